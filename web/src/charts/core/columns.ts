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

/** Index of the point nearest to *value* in x, or -1 outside `[x[0], x[n-1]]`. */
export function nearestIndex(x: ArrayLike<number>, value: number): number {
  const n = x.length;
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
