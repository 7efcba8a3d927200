import type { Column } from "./columns";

/** What x means. Charts with the same axis share zoom and crosshair. */
export type Axis = "step" | "relative" | "wall" | `metric:${string}`;

/** How a line ends, where that is worth a mark. */
export type Ending = "running" | "failed" | "crashed" | "killed" | "preempted";

/** Kinds of a non-finite point, as sent by the server. */
export const NONFINITE = { nan: 1, positive: 2, negative: 3 } as const;

/** How a line stands among the others, from behind to in front. */
export type Stand = "faint" | "normal" | "pinned" | "baseline";

/** One line of a chart: a run, or the mean of a group of runs. */
export interface Line {
  /** Tells it from all other lines of the chart. */
  id: string;
  /** Whose it is: the run or group that a hover names. A run has several lines where several keys share a chart. */
  subject: string;
  stand: Stand;
  label: string;
  color: string;
  dash: readonly number[];
  x: Column;
  /** Drawn values (smoothed if smoothing is on). */
  y: ArrayLike<number>;
  /** The values as logged, while y is smoothed. */
  raw: ArrayLike<number> | null;
  /** Envelope: lowest and highest value of each bucket, or mean ± std of a group. */
  lo: Column | null;
  hi: Column | null;
  nonfinite: { x: Column; kind: Column } | null;
  /** Points hidden by a resume, drawn faint and dashed. */
  ghost: { x: Column; y: Column } | null;
  ending: Ending | null;
  /** Run keys that a hover may name to mean this line (members of a group). */
  members: ReadonlySet<string> | null;
}

/** Everything that decides a chart's picture, besides its size. */
export interface ChartModel {
  lines: readonly Line[];
  axis: Axis;
  xLog: boolean;
  yLog: boolean;
  /** Zoomed range of x; null = all. */
  xRange: readonly [number, number] | null;
  /** "robust" leaves diverged lines out of the y range; "fit" shows every point. */
  yMode: "robust" | "fit";
  band: boolean;
  unit: string | null;
  /** Which values are good, where the metric says so. */
  goal: "minimize" | "maximize" | null;
  /** Ends of the y range set by hand; null = left to the data. */
  yRange: readonly [number | null, number | null];
}

/** Lines that count among the many: what is faint stands behind, what is pinned in front of them. */
export function crowdOf({ lines }: Pick<ChartModel, "lines">): number {
  let count = crowds.get(lines);
  if (count === undefined) {
    count = lines.reduce((sum, { stand }) => sum + (stand === "normal" ? 1 : 0), 0);
    crowds.set(lines, count);
  }
  return count;
}

const crowds = new WeakMap<readonly Line[], number>();

export const EMPTY_MODEL: ChartModel = {
  lines: [],
  axis: "step",
  xLog: false,
  yLog: false,
  xRange: null,
  yMode: "robust",
  band: true,
  unit: null,
  goal: null,
  yRange: [null, null],
};

/** Above this many lines single lines cannot be told apart; quantile bands are drawn instead. */
export const DENSITY_LINES = 200;
