import { ChevronDown, ChevronRight, Eye, EyeOff, Network } from "lucide-react";
import { useSyncExternalStore } from "react";
import { parseNumber } from "@/api/types";
import { slotColor, slotDash } from "@/charts/core/palette";
import { clearHover, getHover, setHover, subscribeHover } from "@/state/hover";
import { isShown } from "@/state/selection";
import { useTheme } from "@/state/theme";
import { useView } from "@/state/view";
import { formatValue } from "@/ui/humanize";
import { Swatch } from "@/ui/Swatch";
import { GroupLink } from "../../processes/GroupLink";
import type { Group } from "../groups";
import { showOnlyRuns, toggleRuns } from "./visibility";

interface GroupHeadProps {
  group: Group;
  folded: boolean;
  unit: string | null;
  onFold(): void;
}

/** The head of a group: its colour, what its runs have in common, how many they are, their mean. */
export function GroupHead({ group, folded, unit, onFold }: GroupHeadProps) {
  const theme = useTheme((store) => store.name);
  const individual = useView((view) => view.individual);
  const sort = useView((view) => view.sort);
  const numbers = group.rows.map((row) => row.number);
  const shown = useView((view) => numbers.some((number) => isShown(view.selection, number)));
  const hot = useSyncExternalStore(subscribeHover, () => getHover().id === group.id);
  const metric = sort.by.startsWith("metric:") ? group.metrics[sort.by.slice("metric:".length)] : undefined;
  const mean = parseNumber(metric?.mean);
  // A group as its launcher means it is one job.
  const job = group.path.length === 1 && group.path[0]?.name === "group" ? group.rows[0]?.group : null;
  const title = group.path.map(({ name, value }) => `${name} ${value}`).join(", ");
  return (
    <div
      className={`run-group ${shown ? "" : "off"} ${hot ? "hot" : ""}`}
      onPointerEnter={() => shown && setHover({ id: group.id, cursor: null })}
      onPointerLeave={clearHover}
    >
      <button
        type="button"
        className="eye"
        aria-label={`${shown ? "Hide" : "Show"} group ${title}`}
        aria-pressed={shown}
        title="Click: show or hide the group. Alt-click: only this group"
        onClick={(event) => (event.altKey ? showOnlyRuns(numbers) : toggleRuns(numbers))}
      >
        {shown ? <Eye size={14} /> : <EyeOff size={14} />}
      </button>
      {!individual && (
        <Swatch
          color={shown ? slotColor(group.slot, theme) : "var(--border-strong)"}
          dash={slotDash(group.slot)}
        />
      )}
      <button type="button" className="group-fold" aria-expanded={!folded} title={title} onClick={onFold}>
        {folded ? <ChevronRight size={14} /> : <ChevronDown size={14} />}
        <span className="group-path">
          {group.path.map(({ name, value }) => (
            <span key={name}>
              {group.path.length === 1 && <small>{name}</small>}
              <b>{value}</b>
            </span>
          ))}
        </span>
        <span className="count">{group.count}</span>
      </button>
      {job && group.rows[0] && (
        <GroupLink
          entity={group.rows[0].entity}
          project={group.rows[0].project}
          group={job}
          className="group-processes"
          label={`Processes of ${job}`}
        >
          <Network size={13} />
        </GroupLink>
      )}
      {mean !== null && (
        <span className="run-value" title="Mean of the group">
          <small>⌀</small>
          {formatValue(mean, unit)}
        </span>
      )}
    </div>
  );
}
