import type { PlotValue } from "@/api/mediaValue";

type Row = Readonly<Record<string, unknown>>;

/** Points of one line or one colour. */
export interface PlotSeries {
  name: string;
  x: number[];
  y: number[];
  /** Of the run that it is of, where several are drawn; else its place among the series decides. */
  slot?: number;
  dash?: readonly number[];
}

export interface MatrixModel {
  kind: "matrix";
  /** Names of the classes, rows = actual, columns = predicted. */
  classes: string[];
  counts: number[][];
}

export interface XyModel {
  kind: "xy";
  mark: "line" | "points";
  xLabel: string;
  yLabel: string;
  series: PlotSeries[];
  /** Both axes from 0 to 1, as rates have. */
  unit: boolean;
  /** The line of a guess, which a ROC curve is compared with. */
  diagonal: boolean;
}

export interface BarsModel {
  kind: "bars";
  xLabel: string;
  yLabel: string;
  bars: { label: string; value: number }[];
}

export interface CountsModel {
  kind: "counts";
  xLabel: string;
  edges: number[];
  counts: number[];
}

export type PlotModel = MatrixModel | XyModel | BarsModel | CountsModel;

/** What a preset draws of the rows of its table; throws if it lacks a column. */
export function plotModel(plot: PlotValue, rows: readonly Row[]): PlotModel {
  const column = (...roles: string[]): string => {
    const found = optional(plot, roles);
    if (found === null) throw new Error(`This ${plot.preset} has no column for ${roles[0]}.`);
    return found;
  };
  const { strings = {} } = plot;
  switch (plot.preset) {
    case "confusion_matrix":
      return confusion(rows, column("actual"), column("predicted"), column("npredictions", "n", "count"));
    case "bar": {
      const [label, value] = [column("label", "x"), column("value", "y")];
      return {
        kind: "bars",
        xLabel: strings.x ?? label,
        yLabel: strings.y ?? value,
        bars: rows.map((row) => ({ label: String(row[label] ?? ""), value: number(row[value]) })),
      };
    }
    case "histogram": {
      const { xLabel, values } = valuesToCount(plot, rows);
      return { kind: "counts", xLabel, ...histogram(values) };
    }
    default: {
      const x = column("x", "step", plot.preset === "pr_curve" ? "recall" : "fpr");
      const y = column("y", "lineval", plot.preset === "pr_curve" ? "precision" : "tpr");
      const by = optional(plot, ["class", "stroke", "linekey", "series", "color"]);
      const rates = plot.preset === "pr_curve" || plot.preset === "roc_curve";
      return {
        kind: "xy",
        mark: plot.preset === "scatter" ? "points" : "line",
        xLabel: strings.x ?? strings.xname ?? x,
        yLabel: strings.y ?? (plot.preset === "line_series" ? "" : y),
        series: split(rows, x, y, by),
        unit: rates,
        diagonal: plot.preset === "roc_curve",
      };
    }
  }
}

/** The values that a histogram counts, and what they are called. */
export function valuesToCount(plot: PlotValue, rows: readonly Row[]): { xLabel: string; values: number[] } {
  const value = optional(plot, ["value", "x"]);
  if (value === null) throw new Error("This histogram has no column for value.");
  return { xLabel: plot.strings?.x ?? value, values: rows.map((row) => number(row[value])) };
}

/** The column of the first role that the plot names, whatever its case. */
function optional(plot: PlotValue, roles: readonly string[]): string | null {
  for (const role of roles) {
    for (const [name, column] of Object.entries(plot.fields)) {
      if (name.toLowerCase().replaceAll("_", "") === role) return column;
    }
  }
  return null;
}

function number(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

function split(rows: readonly Row[], x: string, y: string, by: string | null): PlotSeries[] {
  const found = new Map<string, PlotSeries>();
  for (const row of rows) {
    const name = by === null ? "" : String(row[by] ?? "");
    let series = found.get(name);
    if (!series) {
      series = { name, x: [], y: [] };
      found.set(name, series);
    }
    series.x.push(number(row[x]));
    series.y.push(number(row[y]));
  }
  return [...found.values()];
}

function confusion(rows: readonly Row[], actual: string, predicted: string, n: string): MatrixModel {
  const names: string[] = [];
  const numbers = new Map<string, number>();
  const classOf = (value: unknown) => {
    const name = String(value ?? "");
    let at = numbers.get(name);
    if (at === undefined) {
      at = names.length;
      numbers.set(name, at);
      names.push(name);
    }
    return at;
  };
  // In the order of the actual classes, so that the diagonal is the diagonal.
  for (const row of rows) classOf(row[actual]);
  const cells = rows.map((row) => [classOf(row[actual]), classOf(row[predicted]), number(row[n])] as const);
  const counts = names.map(() => names.map(() => 0));
  for (const [a, p, count] of cells) {
    const line = counts[a];
    if (line) line[p] = (line[p] ?? 0) + (Number.isFinite(count) ? count : 0);
  }
  return { kind: "matrix", classes: names, counts };
}

const BINS_MAX = 40;

/** Bins of equal width over the finite values. */
export function histogram(values: readonly number[]): { edges: number[]; counts: number[] } {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return { edges: [0, 1], counts: [0] };
  let [low, high] = [finite[0] ?? 0, finite[0] ?? 0];
  for (const value of finite) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const n = Math.max(5, Math.min(BINS_MAX, Math.ceil(Math.sqrt(finite.length))));
  const counts = new Array<number>(n).fill(0);
  for (const value of finite) {
    const bin = Math.min(n - 1, Math.floor(((value - low) / (high - low)) * n));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { edges: Array.from({ length: n + 1 }, (_, i) => low + ((high - low) * i) / n), counts };
}

/** Each row of counts as shares of its sum. */
export function normalised(counts: readonly (readonly number[])[]): number[][] {
  return counts.map((row) => {
    const sum = row.reduce((total, count) => total + count, 0);
    return row.map((count) => (sum > 0 ? count / sum : 0));
  });
}
