import type { HistogramValue } from "@/api/mediaValue";
import { parseNumber } from "@/api/types";

/** A histogram of one step. */
export interface Bins {
  step: number;
  /** n + 1, rising. */
  edges: Float64Array;
  counts: Float64Array;
  /** Values that are NaN or infinite. */
  nonfinite: number;
}

/** Reads a logged histogram; null if it has no bins. */
export function readBins(step: number, value: HistogramValue): Bins | null {
  const edges = Float64Array.from(value.bins, (edge) => parseNumber(edge) ?? Number.NaN);
  const counts = Float64Array.from(value.values, (count) => parseNumber(count) ?? 0);
  const nonfinite = (value.nan ?? 0) + (value.inf ?? 0);
  if (counts.length === 0 || edges.length !== counts.length + 1) return null;
  return { step, edges, counts, nonfinite };
}

/** Lowest and highest edge of all. */
export function edgeRange(all: readonly Bins[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { edges } of all) {
    const [first, last] = [edges[0] ?? Number.NaN, edges[edges.length - 1] ?? Number.NaN];
    if (first < low) low = first;
    if (last > high) high = last;
  }
  if (!(high > low)) return Number.isFinite(low) ? [low - 0.5, low + 0.5] : [0, 1];
  return [low, high];
}

/** Share of the step's values per unit of the axis: comparable between bins of different width and between steps. */
export function densityOf({ edges, counts }: Bins, bin: number): number {
  let total = 0;
  for (const count of counts) total += count;
  const width = (edges[bin + 1] ?? 0) - (edges[bin] ?? 0);
  return total > 0 && width > 0 ? (counts[bin] ?? 0) / total / width : 0;
}

/** The bin that holds a value; −1 if none does. The last bin includes its upper edge. */
export function binAt({ edges }: Bins, value: number): number {
  const n = edges.length - 1;
  if (!(value >= (edges[0] ?? Number.NaN)) || !(value <= (edges[n] ?? Number.NaN))) return -1;
  let low = 0;
  let high = n - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The histogram whose step is nearest; −1 for none. */
export function nearestStep(all: readonly Bins[], step: number): number {
  let best = -1;
  let gap = Number.POSITIVE_INFINITY;
  all.forEach((bins, i) => {
    const distance = Math.abs(bins.step - step);
    if (distance < gap) {
      gap = distance;
      best = i;
    }
  });
  return best;
}
