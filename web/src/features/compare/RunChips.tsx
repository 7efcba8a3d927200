import { useQuery } from "@tanstack/react-query";
import { Plus, Target, X } from "lucide-react";
import { useState } from "react";
import type { ComparedRun } from "@/api/comparison";
import { fetchRuns } from "@/api/queries";
import { slotColor, slotDash } from "@/charts/core/palette";
import { useTheme } from "@/state/theme";
import { Picker } from "@/ui/Picker";
import { Swatch } from "@/ui/Swatch";

interface RunChipsProps {
  entity: string;
  project: string;
  runs: readonly string[];
  known: readonly ComparedRun[];
  base: string | null;
  onChange(change: { runs?: readonly string[]; base?: string | null }): void;
}

/** Newest runs that are offered; older ones come from the runs table. */
const OFFERED = 500;
/** Chips for more runs would fill the page; the heads of the columns name them all. */
const CHIPS = 6;

/** The compared runs: which is the baseline, take one out, add one. */
export function RunChips({ entity, project, runs, known, base, onChange }: RunChipsProps) {
  const theme = useTheme((store) => store.name);
  const [asked, setAsked] = useState(false);
  const offered = useQuery({
    queryKey: ["runs", entity, project, "offered"],
    queryFn: ({ signal }) => fetchRuns({ entity, project, offset: 0, limit: OFFERED } as never, signal),
    enabled: asked,
  });
  return (
    <div className="chips">
      {known.slice(0, CHIPS).map((run) => (
        <span key={run.run_key} className={`chip run-chip ${run.run_key === base ? "on" : ""}`}>
          <button
            type="button"
            aria-pressed={run.run_key === base}
            title={run.run_key === base ? `${run.name} is the baseline` : `Make ${run.name} the baseline`}
            onClick={() => onChange({ base: run.run_key })}
          >
            {run.run_key === base ? (
              <Target size={12} />
            ) : (
              <Swatch color={slotColor(run.number, theme)} dash={slotDash(run.number)} />
            )}
            <span className="chip-text">{run.name}</span>
          </button>
          <button
            type="button"
            aria-label={`Remove ${run.name}`}
            onClick={() => onChange({ runs: runs.filter((key) => key !== run.run_key) })}
          >
            <X size={12} />
          </button>
        </span>
      ))}
      {known.length > CHIPS && <span className="chip">+{known.length - CHIPS}</span>}
      <Picker
        label="Add a run"
        align="end"
        options={(offered.data?.runs ?? [])
          .filter(({ run_key }) => !runs.includes(run_key))
          .map((row) => ({ value: row.run_key, label: row.name, note: row.state }))}
        selected={[]}
        onPick={(key) => onChange({ runs: [...runs, key] })}
        trigger={
          <button
            type="button"
            className="chip"
            onPointerDown={() => setAsked(true)}
            onFocus={() => setAsked(true)}
          >
            <Plus size={12} />
            Run
          </button>
        }
      />
    </div>
  );
}
