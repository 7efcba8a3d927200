import type { PlotValue } from "@/api/mediaValue";
import { type BarsModel, histogram, type PlotSeries, plotModel, valuesToCount, type XyModel } from "./model";

type Row = Readonly<Record<string, unknown>>;

/** A plot of one run, and how the run is drawn. */
export interface RunPlot {
  label: string;
  slot: number;
  value: PlotValue;
  rows: readonly Row[];
}

/** Bars of several runs, in groups of the same label. */
export interface GroupsModel extends Omit<BarsModel, "kind"> {
  kind: "groups";
  groups: { name: string; slot: number; values: number[] }[];
}

/** Dashes tell the lines of one run apart; runs are told apart by colour. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [9, 3, 2, 3], [1, 4]];

/** Whether plots of a preset can be drawn over each other at all. */
export function canBeTogether(preset: string): boolean {
  return preset !== "confusion_matrix";
}

/** Plots of several runs as one; null where they cannot be: of other presets, or matrices. Throws like `plotModel`. */
export function plotsTogether(plots: readonly RunPlot[]): XyModel | GroupsModel | null {
  const [first] = plots;
  if (!first || !canBeTogether(first.value.preset)) return null;
  if (plots.some(({ value }) => value.preset !== first.value.preset)) return null;
  if (first.value.preset === "histogram") return counted(plots);
  const models = plots.map((plot) => ({ plot, model: plotModel(plot.value, plot.rows) }));
  const bars = models.flatMap(({ plot, model }) => (model.kind === "bars" ? [{ plot, model }] : []));
  if (bars[0] && bars.length === models.length) return grouped(bars);
  const lines = models.flatMap(({ plot, model }) => (model.kind === "xy" ? [{ plot, model }] : []));
  if (!lines[0] || lines.length !== models.length) return null;
  const names = [...new Set(lines.flatMap(({ model }) => model.series.map(({ name }) => name)))];
  return {
    ...lines[0].model,
    series: lines.flatMap(({ plot, model }) =>
      model.series.map(
        (series): PlotSeries => ({
          ...series,
          name: series.name ? `${plot.label} · ${series.name}` : plot.label,
          slot: plot.slot,
          dash: DASHES[names.indexOf(series.name) % DASHES.length] ?? [],
        }),
      ),
    ),
  };
}

function grouped(plots: readonly { plot: RunPlot; model: BarsModel }[]): GroupsModel {
  const labels = [...new Set(plots.flatMap(({ model }) => model.bars.map(({ label }) => label)))];
  const groups = plots.map(({ plot, model }) => {
    const values = new Map(model.bars.map(({ label, value }) => [label, value]));
    return {
      name: plot.label,
      slot: plot.slot,
      values: labels.map((label) => values.get(label) ?? Number.NaN),
    };
  });
  const { xLabel, yLabel } = plots[0]?.model ?? { xLabel: "", yLabel: "" };
  return {
    kind: "groups",
    xLabel,
    yLabel,
    bars: labels.map((label) => ({ label, value: Number.NaN })),
    groups,
  };
}

/** Histograms of several runs as outlines over the same bins: shares of each run's values, as runs have different many. */
function counted(plots: readonly RunPlot[]): XyModel {
  const all = plots.map((plot) => ({ plot, ...valuesToCount(plot.value, plot.rows) }));
  const { edges } = histogram(all.flatMap(({ values }) => values));
  return {
    kind: "xy",
    mark: "line",
    xLabel: all[0]?.xLabel ?? "",
    yLabel: "share",
    unit: false,
    diagonal: false,
    series: all.map(({ plot, values }): PlotSeries => {
      const finite = values.filter(Number.isFinite);
      const counts = countsWithin(edges, finite);
      return {
        name: plot.label,
        slot: plot.slot,
        dash: [],
        x: edges.flatMap((edge) => [edge, edge]),
        y: [
          0,
          ...counts.flatMap((count) => [
            count / Math.max(1, finite.length),
            count / Math.max(1, finite.length),
          ]),
          0,
        ],
      };
    }),
  };
}

function countsWithin(edges: readonly number[], values: readonly number[]): number[] {
  const n = edges.length - 1;
  const [low, high] = [edges[0] ?? 0, edges[n] ?? 1];
  const counts = new Array<number>(n).fill(0);
  for (const value of values) {
    const bin = Math.min(n - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * n)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
