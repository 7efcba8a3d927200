import { useMemo } from "react";
import { type HistogramValue, valuesOf } from "@/api/mediaValue";
import { type Bins, readBins } from "@/media/histogram/bins";
import { HistogramView } from "@/media/histogram/HistogramView";
import type { HistogramLook } from "@/media/histogram/paint";
import type { CastRun } from "../cast";
import { TileCaption, tileList } from "./Tiles";
import { useMediaRange } from "./useMedia";

/** Steps that a map shows: about one per two pixels of a panel. */
const STEPS = 200;
/** Maps of one panel in the grid. */
const MAPS = 6;

interface HistogramRunsProps {
  panelKey: string;
  runs: readonly CastRun[];
  named: boolean;
  look: HistogramLook;
  step: number | null;
  wanted: boolean;
  all?: boolean;
}

/** One map over all steps for each run. */
export function HistogramRuns({
  panelKey,
  runs,
  named,
  look,
  step,
  wanted,
  all = false,
}: HistogramRunsProps) {
  const shown = all ? runs : runs.slice(0, MAPS);
  const { items, error } = useMediaRange(
    shown.map((run) => run.key),
    panelKey,
    STEPS,
    wanted,
  );
  const byRun = useMemo(() => {
    const found = new Map<string, Bins[]>();
    for (const item of items) {
      const [value] = valuesOf(item.value);
      const bins = value?._type === "histogram" ? readBins(item.step, value as HistogramValue) : null;
      if (!bins) continue;
      const list = found.get(item.run);
      if (list) list.push(bins);
      else found.set(item.run, [bins]);
    }
    for (const list of found.values()) list.sort((a, b) => a.step - b.step);
    return found;
  }, [items]);
  if (error) return <p className="media-trouble">{error.message}</p>;
  const present = shown.filter((run) => byRun.has(run.key));
  return (
    <ul {...tileList("histogram", present.length, all)}>
      {present.map((run) => (
        <li key={run.key} className="tile" data-run={run.key}>
          <div className="tile-view">
            <HistogramView
              all={byRun.get(run.key) ?? []}
              look={look}
              label={`${panelKey} of ${run.label}`}
              step={step}
            />
          </div>
          {named && <TileCaption run={run} caption={undefined} step={null} />}
        </li>
      ))}
      {!all && runs.length > MAPS && (
        <li className="tile-more">the first {MAPS} runs; all are in the full screen</li>
      )}
    </ul>
  );
}
