import { Link } from "@tanstack/react-router";
import { Eye, EyeOff, Pin, Scale } from "lucide-react";
import { memo, useSyncExternalStore } from "react";
import type { RunRow } from "@/api/types";
import { slotColor, slotDash } from "@/charts/core/palette";
import { clearHover, getHover, setHover, subscribeHover } from "@/state/hover";
import { isShown } from "@/state/selection";
import { useTheme } from "@/state/theme";
import { useView } from "@/state/view";
import { MiddleEllipsis } from "@/ui/MiddleEllipsis";
import { StateMark } from "@/ui/StateMark";
import { Swatch } from "@/ui/Swatch";
import { RunValue } from "./RunValue";
import { showOnlyRuns, toggleBaseline, togglePin, toggleRuns } from "./visibility";

interface RunItemProps {
  row: RunRow;
  pinned: boolean;
  /** Unit of the metric that the list is sorted by. */
  unit: string | null;
  /** The run that others are compared with, if it is loaded. */
  baseline: RunRow | null;
  /** Which values of that metric are good. */
  goal: "minimize" | "maximize" | null;
  /** Its colour in all charts, where that follows a value; null = its own. */
  color: string | null;
}

/** One run of the list. */
export const RunItem = memo(function RunItem({ row, pinned, unit, baseline, goal, color }: RunItemProps) {
  const shown = useView((view) => isShown(view.selection, row.number));
  const theme = useTheme((store) => store.name);
  const hot = useSyncExternalStore(subscribeHover, () => getHover().id === row.run_key);
  return (
    <div
      className={`run ${shown ? "" : "off"} ${hot ? "hot" : ""}`}
      data-run={row.run_key}
      // A hidden run has no line to highlight; dimming all others for it would only be confusing.
      onPointerEnter={(event) =>
        shown && event.pointerType !== "touch" && setHover({ id: row.run_key, cursor: null })
      }
      onPointerLeave={clearHover}
    >
      <button
        type="button"
        className="eye"
        aria-label={`${shown ? "Hide" : "Show"} ${row.name}`}
        aria-pressed={shown}
        title="Click: show or hide. Alt-click: only this run"
        onClick={(event) => (event.altKey ? showOnlyRuns([row.number]) : toggleRuns([row.number]))}
      >
        {shown ? <Eye size={14} /> : <EyeOff size={14} />}
      </button>
      <Swatch
        color={shown ? (color ?? slotColor(row.number, theme)) : "var(--border-strong)"}
        dash={slotDash(row.number)}
      />
      <Link
        className="run-name"
        to="/$entity/$project/runs/$run_id/$tab"
        params={{ entity: row.entity, project: row.project, run_id: row.run_id, tab: "overview" }}
        title={row.error ? `${row.name}: ${row.error}` : row.name}
      >
        <MiddleEllipsis text={row.name} />
      </Link>
      <span className="run-tools">
        <button
          type="button"
          className="run-tool"
          aria-label={`Pin ${row.name}`}
          aria-pressed={pinned}
          title="Pin: on top of the list and of the charts (p)"
          onClick={() => togglePin(row.number)}
        >
          <Pin size={12} />
        </button>
        <button
          type="button"
          className="run-tool"
          aria-label={`Compare with ${row.name}`}
          aria-pressed={baseline === row}
          title="Baseline: show how others differ from this run (b)"
          onClick={() => toggleBaseline(row.number)}
        >
          <Scale size={12} />
        </button>
      </span>
      <StateMark state={row.state} />
      {(row.damaged || row.error) && (
        <span
          className="damage"
          title={row.error ?? "Part of this run's log cannot be read; see its overview."}
        >
          !
        </span>
      )}
      <RunValue row={row} unit={unit} baseline={baseline} goal={goal} />
    </div>
  );
});
