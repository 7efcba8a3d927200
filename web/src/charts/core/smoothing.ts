import { at, isRising } from "./columns";
import { smooth } from "./ema";

export type SmoothingKind = "time" | "ema" | "gaussian" | "average";

/** A column of points that can carry its smoothed forms. */
export interface Smoothable {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Points behind those that are here. */
  readonly total: number;
}

/**
 * How far smoothing with *weight* remembers, as a share of the axis. All kinds have the same reach at the same weight, so
 * that one may change the kind and compare.
 */
export function reachOf(weight: number): number {
  return 1 / 1000 / -Math.log(Math.min(Math.sqrt(weight), 0.9995));
}

/**
 * Smooths a line in one of four ways, all of which leave NaN where y is NaN.
 *
 * time: debiased exponential average whose decay follows x (see ema.ts).
 * ema: the classic one, y ← w·y + (1 − w)·value per logged point, debiased. Of thinned points each stands for several.
 * gaussian: kernel of standard deviation `reachOf(weight)` of the axis.
 * average: mean over the same standard deviation, ± √3 of it.
 *
 * The last two weigh every point with its share of the axis and look both ways; over an axis that goes back they do not
 * apply, and the first kind is used.
 */
export function smoothBy(
  kind: SmoothingKind,
  series: Smoothable,
  weight: number,
  extent: number,
): Float64Array {
  if (kind === "ema") return exponential(series, weight);
  if (kind === "time" || !isRising(series.x) || !(extent > 0)) {
    return smooth(series.x, series.y, weight, extent);
  }
  const sigma = reachOf(weight) * extent;
  return kind === "gaussian" ? gaussian(series, sigma) : average(series, sigma * Math.sqrt(3));
}

function exponential({ y, total }: Smoothable, weight: number): Float64Array {
  const n = y.length;
  const smoothed = new Float64Array(n).fill(Number.NaN);
  const keep = weight ** Math.max(1, total / Math.max(1, n));
  let sum = 0;
  let mass = 0;
  for (let i = 0; i < n; i++) {
    const value = at(y, i);
    if (!Number.isFinite(value)) continue;
    sum = sum * keep + value * (1 - keep);
    mass = mass * keep + (1 - keep);
    smoothed[i] = mass > 0 ? sum / mass : value;
  }
  return smoothed;
}

/** The share of the axis that belongs to each point: half the way to its neighbours on both sides. */
function shares(x: ArrayLike<number>): Float64Array {
  const n = x.length;
  const share = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const left = i > 0 ? at(x, i) - at(x, i - 1) : 0;
    const right = i + 1 < n ? at(x, i + 1) - at(x, i) : 0;
    share[i] = (left + right) / 2;
  }
  return share;
}

/** Beyond three standard deviations a Gaussian weighs less than the width of a line. */
const KERNEL_SIGMAS = 3;

function gaussian({ x, y }: Smoothable, sigma: number): Float64Array {
  const n = y.length;
  const smoothed = new Float64Array(n).fill(Number.NaN);
  const share = shares(x);
  const reach = KERNEL_SIGMAS * sigma;
  let from = 0;
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(at(y, i))) continue;
    const here = at(x, i);
    while (at(x, from) < here - reach) from++;
    let sum = 0;
    let mass = 0;
    for (let j = from; j < n && at(x, j) <= here + reach; j++) {
      const value = at(y, j);
      if (!Number.isFinite(value)) continue;
      const distance = (at(x, j) - here) / sigma;
      const weight = Math.exp(-0.5 * distance * distance) * at(share, j);
      sum += weight * value;
      mass += weight;
    }
    smoothed[i] = mass > 0 ? sum / mass : at(y, i);
  }
  return smoothed;
}

function average({ x, y }: Smoothable, reach: number): Float64Array {
  const n = y.length;
  const smoothed = new Float64Array(n).fill(Number.NaN);
  const share = shares(x);
  let from = 0;
  let to = 0;
  let sum = 0;
  let mass = 0;
  const put = (j: number, sign: number) => {
    const value = at(y, j);
    if (!Number.isFinite(value)) return;
    sum += sign * at(share, j) * value;
    mass += sign * at(share, j);
  };
  for (let i = 0; i < n; i++) {
    const here = at(x, i);
    while (to < n && at(x, to) <= here + reach) put(to++, 1);
    while (from < to && at(x, from) < here - reach) put(from++, -1);
    const value = at(y, i);
    if (!Number.isFinite(value)) continue;
    // What was added and taken away again leaves a rounding error; alone in its window a point is itself.
    smoothed[i] = mass > 0 && to - from > 1 ? sum / mass : value;
  }
  return smoothed;
}

const cache = new WeakMap<Smoothable, Map<string, Float64Array>>();

/** `smoothBy`, remembered per series object: toggling another run must not recompute this one. */
export function smoothed(
  series: Smoothable,
  kind: SmoothingKind,
  weight: number,
  extent: number,
): Float64Array {
  const key = `${kind}|${weight}|${extent}`;
  let forms = cache.get(series);
  if (!forms) {
    forms = new Map();
    cache.set(series, forms);
  }
  let form = forms.get(key);
  if (!form) {
    // A slider passes through many weights; two are enough to come back from a glance.
    if (forms.size >= 2) forms.delete(forms.keys().next().value ?? "");
    form = smoothBy(kind, series, weight, extent);
    forms.set(key, form);
  }
  return form;
}
