import { useQueries } from "@tanstack/react-query";
import { useContext } from "react";
import { type PlotValue, valuesOf } from "@/api/mediaValue";
import { plotsTogether, type RunPlot } from "@/media/plot/together";
import { XyPlot } from "@/media/plot/XyPlot";
import { CHART_ROWS, tableRows } from "@/media/table/rows";
import { TablesContext } from "@/media/table/useTablePages";
import { formatCount } from "@/ui/humanize";
import type { CastRun } from "../cast";
import { Tiles, tileList } from "./Tiles";
import { useMediaAt } from "./useMedia";

interface PlotRunsProps {
  panelKey: string;
  runs: readonly CastRun[];
  step: number | null;
  wanted: boolean;
  fullScreen?: boolean;
}

/** Plots of several runs in one frame, in the colours of the runs. What cannot be drawn so stands side by side. */
export function PlotRuns({ panelKey, runs, step, wanted, fullScreen = false }: PlotRunsProps) {
  const { items, error } = useMediaAt(
    runs.map((run) => run.key),
    panelKey,
    step,
    wanted,
  );
  // Whose plot is of an earlier step says so.
  const newest = Math.max(...items.map((item) => item.step));
  const plots = runs.flatMap((run) =>
    items
      .filter((item) => item.run === run.key)
      .flatMap((item) =>
        valuesOf(item.value).flatMap((value, index, all) =>
          value._type === "plot"
            ? [
                {
                  run,
                  value: value as PlotValue,
                  label: `${run.label}${all.length > 1 ? ` (${index + 1})` : ""}${item.step !== newest ? `, step ${formatCount(item.step)}` : ""}`,
                },
              ]
            : [],
        ),
      ),
  );
  const reader = useContext(TablesContext);
  const tables = useQueries({
    queries: plots.map(({ run, value }) => ({ ...tableRows(reader, run.key, value.table), enabled: wanted })),
  });
  if (error) return <p className="media-trouble">{error.message}</p>;
  const failed = tables.find((table) => table.error)?.error;
  if (failed) return <p className="media-trouble">{failed.message}</p>;
  const ready = plots.flatMap(({ run, value, label }, i): RunPlot[] => {
    const rows = tables[i]?.data;
    return rows ? [{ label, slot: run.slot, value, rows }] : [];
  });
  if (plots.length === 0 || ready.length < plots.length)
    return <div className={wanted ? "media-note pulse" : "media-note"} />;
  const made = tryTogether(ready);
  if (made === null) {
    return (
      <Tiles
        panelKey={panelKey}
        kind="plot"
        runs={runs}
        named
        step={step}
        wanted={wanted}
        fullScreen={fullScreen}
      />
    );
  }
  if (made instanceof Error) return <p className="media-trouble">{made.message}</p>;
  const title = plots.find(({ value }) => value.title)?.value.title;
  const cut = plots.some(({ value }) => value.table.nrows > CHART_ROWS);
  return (
    <ul {...tileList("plot", 1, fullScreen)}>
      <li className="tile">
        <div className="tile-view">
          <div className="plot" data-together={plots.length}>
            {title && <p className="plot-title">{title}</p>}
            <XyPlot model={made} label={title || panelKey} />
            {cut && <small>the first {formatCount(CHART_ROWS)} rows of each run</small>}
          </div>
        </div>
      </li>
    </ul>
  );
}

function tryTogether(plots: readonly RunPlot[]) {
  try {
    return plotsTogether(plots);
  } catch (cause) {
    return cause instanceof Error ? cause : new Error(String(cause));
  }
}
