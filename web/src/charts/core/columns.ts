/** A read-only column of numbers, as it came off the wire (a view, never a copy). */
export type Column = Float64Array | Float32Array | Uint32Array | Uint8Array;

/** First index whose x is not below *value*; `x` must be rising. */
export function lowerBound(x: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(x, middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const rising = new WeakMap<ArrayLike<number>, boolean>();

/**
 * Whether x never goes back, so that it may be searched by halving. Steps and times do not; a metric as
 * x axis may. Looked at once per column.
 */
export function isRising(x: ArrayLike<number>): boolean {
  let known = rising.get(x);
  if (known === undefined) {
    known = true;
    for (let i = 1; known && i < x.length; i++) known = at(x, i) >= at(x, i - 1);
    rising.set(x, known);
  }
  return known;
}

/** Lowest and highest x; `[Infinity, -Infinity]` if there is none. */
export function columnExtent(x: ArrayLike<number>): [number, number] {
  const n = x.length;
  if (n > 0 && isRising(x)) return [at(x, 0), at(x, n - 1)];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    const value = at(x, i);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Index of the point nearest to *value* in x, or -1 outside of its extent. */
export function nearestIndex(x: ArrayLike<number>, value: number): number {
  const n = x.length;
  if (!isRising(x)) {
    const [low, high] = columnExtent(x);
    if (value < low || value > high) return -1;
    let nearest = 0;
    for (let i = 1; i < n; i++) {
      if (Math.abs(at(x, i) - value) <= Math.abs(at(x, nearest) - value)) nearest = i;
    }
    return nearest;
  }
  if (n === 0 || value < at(x, 0) || value > at(x, n - 1)) return -1;
  const right = Math.min(n - 1, lowerBound(x, value));
  const left = Math.max(0, right - 1);
  return Math.abs(at(x, right) - value) < Math.abs(value - at(x, left)) ? right : left;
}

/**
 * `column[index]` for an index already known to be inside.
 *
 * Outside it gives NaN, which every drawing loop already treats as a gap, so a mistake shows as a
 * hole and not as a wrong value.
 */
export function at(column: ArrayLike<number>, index: number): number {
  return column[index] ?? Number.NaN;
}
