import { useCallback } from "react";
import { columnTitle } from "@/api/columns";
import { binEdges, histogram, sortedFinite } from "@/charts/core/distribution";
import { slotColor, type ThemeName } from "@/charts/core/palette";
import { plotAxis } from "@/charts/core/plotAxis";
import { type HistogramLayout, type HistogramModel, histogramPainter, totalOf } from "@/charts/histogram";
import { formatNumber } from "@/ui/humanize";
import { ColorKey } from "../matrix/ColorKey";
import { useGuess } from "../matrix/guess";
import { type Picture, StagePanel } from "../matrix/StagePanel";
import { gather } from "../matrix/samples";
import { distinctColumns, placeOf, type Stage } from "../matrix/stage";
import { absentNote } from "../matrix/values";
import type { PanelProps } from "../registry";
import type { HistogramSettings } from "./settings";

/** Stacks of more colours than these cannot be read. */
const SERIES = 8;

/** How many runs have which value. */
export default function HistogramPanel({ settings }: PanelProps<HistogramSettings>) {
  const guess = useGuess(settings.value === null);
  const value = settings.value ?? guess.metric;
  const { by, log, bins } = settings;
  const columns = distinctColumns([value, by]);
  const names = JSON.stringify(columns);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `names` stands for the columns, which are new at each render
  const picture = useCallback(
    (stage: Stage, theme: ThemeName): Picture<HistogramModel, HistogramLayout> => {
      const column = stage.columns[placeOf(columns, value)];
      if (!column || !value) throw new Error("a histogram without a value has no picture");
      const title = columnTitle(value);
      const x = plotAxis({ ...column, texts: null, kind: "number" }, title, log);
      const sorted = sortedFinite(x.values);
      const edges = sorted.length > 0 ? binEdges(sorted, x.log, bins) : [];
      const groups = gather(stage, stage.columns[placeOf(columns, by)], theme);
      const named = groups.slice(0, SERIES);
      const others = groups.slice(SERIES);
      const series = [
        ...named,
        ...(others.length > 0
          ? [{ label: `${others.length} others`, color: "#8b939f", runs: others.flatMap(({ runs }) => runs) }]
          : []),
      ].map(({ label, color, runs }) => ({
        label,
        color,
        counts: histogram(sortedFinite(runs.map((run) => x.values[run] ?? Number.NaN)), edges),
      }));
      const count = Math.max(0, edges.length - 1);
      const model: HistogramModel = {
        ids: [...Array.from({ length: count }, (_, bin) => `bin:${bin}`), ...stage.runs],
        bins: count,
        edges,
        series,
        x,
        colors: stage.slots.map((slot) => slotColor(slot, theme)),
      };
      const binName = (bin: number) =>
        `${formatNumber(edges[bin] ?? 0)} – ${formatNumber(edges[bin + 1] ?? 0)}`;
      return {
        painter: histogramPainter,
        model,
        label: `Histogram of ${title}: ${count} bins over ${sorted.length} runs`,
        describe: (bin) => ({
          title: binName(bin),
          color: series[0]?.color ?? "",
          rows:
            series.length > 1
              ? series.map(({ label, counts }) => [label, String(counts[bin] ?? 0)] as const)
              : [["runs", String(totalOf(model, bin))]],
        }),
        runOf: () => null,
        note: absentNote([[title, column]]),
        legend: by && (
          <ColorKey
            coloring={{
              colors: [],
              ramp: null,
              names: series.map(({ label, color }) => ({ name: label, color })),
            }}
            label={columnTitle(by)}
            theme={theme}
          />
        ),
        table: () => ({
          columns: ["from", "to", ...series.map(({ label }) => label)],
          rows: Array.from({ length: count }, (_, bin) => [
            edges[bin] ?? null,
            edges[bin + 1] ?? null,
            ...series.map(({ counts }) => counts[bin] ?? 0),
          ]),
        }),
        ...(sorted.length === 0 ? { empty: `No shown run has a finite “${title}”.` } : {}),
      };
    },
    [names, log, bins],
  );
  const missing = !guess.ready ? "" : value ? null : "Choose a value in the settings.";
  return <StagePanel columns={columns} missing={missing} picture={picture} />;
}
