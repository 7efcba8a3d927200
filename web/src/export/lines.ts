import { type ChartModel, EMPTY_MODEL, type Line } from "@/charts/core/model";
import { slotColor, slotDash, type ThemeName } from "@/charts/core/palette";
import { smoothed } from "@/charts/core/smoothing";
import { columnOf, type PageRun, type PageSeries } from "./payload";

export interface View {
  axis: "step" | "relative" | "wall";
  yLog: boolean;
  /** 0 for none. */
  smoothing: number;
}

/** The points of one run's metric. */
export interface Points {
  run: PageRun;
  series: PageSeries;
  steps: Float64Array;
  times: Float64Array;
  values: Float64Array;
}

/** Reads the points of a metric in some runs. */
export async function readPoints(
  runs: readonly PageRun[],
  key: string,
  blocks: readonly string[],
): Promise<Points[]> {
  const found = runs.flatMap((run) => {
    const series = run.series.find((one) => one.key === key);
    return series ? [{ run, series }] : [];
  });
  return Promise.all(
    found.map(async ({ run, series }) => {
      const [steps, times, values] = await Promise.all([
        columnOf(blocks, series.steps),
        columnOf(blocks, series.times),
        columnOf(blocks, series.values),
      ]);
      return { run, series, steps, times, values };
    }),
  );
}

interface Drawable {
  x: Float64Array;
  y: Float64Array;
  total: number;
}

const drawables = new WeakMap<Float64Array, Map<string, Drawable>>();

/** Points in the order of the axis: a step that was logged again counts once, with its last value. */
function drawable(points: Points, axis: View["axis"]): Drawable {
  const known = drawables.get(points.values) ?? new Map<string, Drawable>();
  drawables.set(points.values, known);
  const name = `${axis} ${points.run.run_key}`;
  let found = known.get(name);
  if (!found) {
    const begin = points.run.created_at;
    const x =
      axis === "step" ? points.steps : axis === "wall" ? points.times : points.times.map((t) => t - begin);
    const order = Array.from(x.keys()).sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0) || a - b);
    const kept = axis === "step" ? order.filter((at, i) => x[at] !== x[order[i + 1] ?? -1]) : order;
    found = {
      x: Float64Array.from(kept, (at) => x[at] ?? Number.NaN),
      y: Float64Array.from(kept, (at) => points.values[at] ?? Number.NaN),
      total: kept.length,
    };
    known.set(name, found);
  }
  return found;
}

/** The chart of one metric. */
export function modelOf(
  all: readonly Points[],
  view: View,
  range: readonly [number, number] | null,
  theme: ThemeName,
): ChartModel {
  const lines = all.map((points): Line => {
    const { run } = points;
    const line = drawable(points, view.axis);
    const extent = (line.x[line.x.length - 1] ?? 0) - (line.x[0] ?? 0);
    const y = view.smoothing > 0 ? smoothed(line, "time", view.smoothing, extent) : line.y;
    return {
      id: run.run_key,
      subject: run.run_key,
      stand: "normal",
      label: run.name,
      color: slotColor(run.number, theme),
      dash: slotDash(run.number),
      x: line.x,
      y,
      raw: view.smoothing > 0 ? line.y : null,
      lo: null,
      hi: null,
      nonfinite: nonfinite(line),
      ghost: null,
      ending: run.state === "finished" || run.state === "running" ? null : run.state,
      members: null,
    };
  });
  const first = all[0]?.series;
  return {
    ...EMPTY_MODEL,
    lines,
    axis: view.axis,
    yLog: view.yLog,
    xRange: range,
    unit: first?.unit ?? null,
    goal: first?.goal ?? null,
  };
}

function nonfinite({ x, y }: Drawable): Line["nonfinite"] {
  const places = Array.from(y.keys()).filter((at) => !Number.isFinite(y[at]));
  if (places.length === 0) return null;
  const kinds = places.map((at) => (Number.isNaN(y[at]) ? 1 : (y[at] ?? 0) > 0 ? 2 : 3));
  return { x: Float64Array.from(places, (at) => x[at] ?? 0), kind: Uint8Array.from(kinds) };
}
