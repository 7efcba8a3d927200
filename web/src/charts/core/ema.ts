import { at } from "./columns";

/** Keys whose exact shape is the information: a schedule, a counter, a machine's sensor. */
const NEVER_SMOOTHED =
  /^system\/|(^|[/._-])((lr|learning_?rate)(-\w+)*|epoch|(global_?)?step)([/._-]?\d+)?$/i;

/** Whether smoothing may be applied to *key* at all. */
export function isSmoothable(key: string): boolean {
  return !NEVER_SMOOTHED.test(key);
}

/**
 * Debiased exponential moving average of y over x.
 *
 * The decay follows distance in x and not the number of points, so that the same run gives the same
 * curve at 400 or 24,000 points, zoomed or not.
 *
 * Args:
 *   weight: 0 (none) … 0.999. The memory is `extent / 1000 / -ln(sqrt(weight))`.
 *   extent: length of the whole axis in x units, over all lines of the chart, so that a short run is
 *     not smoothed more than a long one.
 *
 * Returns: one value per point; NaN where y is NaN, which neither feeds nor resets the average.
 */
export function smooth(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  weight: number,
  extent: number,
): Float64Array {
  const n = y.length;
  const smoothed = new Float64Array(n);
  const decay = Math.log(Math.min(Math.sqrt(Math.max(0, weight)), 0.9995));
  if (!(weight > 0) || !(extent > 0)) {
    for (let i = 0; i < n; i++) smoothed[i] = at(y, i);
    return smoothed;
  }
  const perUnit = (decay * 1000) / extent;
  let average = 0;
  let mass = 0;
  let previousX = Number.NaN;
  let previousY = Number.NaN;
  for (let i = 0; i < n; i++) {
    const value = at(y, i);
    if (!Number.isFinite(value)) {
      smoothed[i] = Number.NaN;
      continue;
    }
    const here = at(x, i);
    if (mass === 0 || here < previousX) {
      // The first point has no distance behind it. It is given that of the next one, but never so much
      // that it counts as a long history.
      const next = i + 1 < n ? Math.max(0, at(x, i + 1) - here) : 0;
      const keep = Math.exp(perUnit * (next || extent / 1000));
      average = value * (1 - keep);
      mass = 1 - keep;
    } else {
      const keep = Math.exp(perUnit * (here - previousX));
      // The middle of both ends is the integral of the straight line that is drawn between them; with
      // the end alone the curve would lag by half a spacing, and the spacing depends on the count.
      average = average * keep + ((value + previousY) / 2) * (1 - keep);
      mass = mass * keep + (1 - keep);
    }
    smoothed[i] = mass > 0 ? average / mass : value;
    previousX = here;
    previousY = value;
  }
  return smoothed;
}
