/** A sample in the five numbers of a box plot, with its mean. */
export interface BoxStats {
  n: number;
  low: number;
  q1: number;
  median: number;
  q3: number;
  high: number;
  mean: number;
  /** Values beyond 1.5 interquartile ranges; `low` and `high` are the outermost of the others. */
  outliers: number[];
}

/** Null for an empty sample. *sorted* is rising and finite. */
export function boxStats(sorted: ArrayLike<number>): BoxStats | null {
  const n = sorted.length;
  if (n === 0) return null;
  const [q1, median, q3] = [quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)];
  const reach = 1.5 * (q3 - q1);
  const outliers: number[] = [];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const value = sorted[i] ?? 0;
    sum += value;
    if (value < q1 - reach || value > q3 + reach) outliers.push(value);
    else {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return { n, low, q1, median, q3, high, mean: sum / n, outliers };
}

/** Linear between the two nearest ranks, as numpy's default. *sorted* is rising and not empty. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const place = (sorted.length - 1) * q;
  const below = Math.floor(place);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low;
  return low + (high - low) * (place - below);
}

/** Finite values, rising. */
export function sortedFinite(values: ArrayLike<number>): Float64Array {
  const finite = new Float64Array(values.length);
  let n = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (Number.isFinite(value)) finite[n++] = value;
  }
  return finite.subarray(0, n).sort();
}

export interface Density {
  at: Float64Array;
  height: Float64Array;
}

/** Standard deviations of the kernel beyond which it adds nothing that could be seen. */
const KERNEL_REACH = 4;

/**
 * A Gaussian kernel estimate over *points* places, with Silverman's bandwidth
 * 0.9 · min(std, IQR / 1.34) · n^(−1/5), cut at the sample's range. Null when all values are equal.
 */
export function density(sorted: Float64Array, points = 96): Density | null {
  const n = sorted.length;
  const low = sorted[0] ?? 0;
  const high = sorted[n - 1] ?? 0;
  if (n < 2 || !(high > low)) return null;
  let mean = 0;
  for (const value of sorted) mean += value / n;
  let squares = 0;
  for (const value of sorted) squares += (value - mean) ** 2;
  const std = Math.sqrt(squares / (n - 1));
  const iqr = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 1.34;
  const width = 0.9 * (iqr > 0 ? Math.min(std, iqr) : std) * n ** -0.2;
  const at = new Float64Array(points);
  const height = new Float64Array(points);
  let first = 0;
  for (let i = 0; i < points; i++) {
    const x = low + ((high - low) * i) / (points - 1);
    at[i] = x;
    while (first < n && (sorted[first] ?? 0) < x - KERNEL_REACH * width) first++;
    let sum = 0;
    for (let j = first; j < n; j++) {
      const away = ((sorted[j] ?? 0) - x) / width;
      if (away > KERNEL_REACH) break;
      sum += Math.exp(-0.5 * away * away);
    }
    height[i] = sum / (n * width * Math.sqrt(2 * Math.PI));
  }
  return { at, height };
}

/** Bins of equal width (equal ratio if *log*) over the sample's range. *sorted* is rising, and > 0 if *log*. */
export function histogram(sorted: Float64Array, edges: readonly number[]): number[] {
  const counts = new Array<number>(Math.max(0, edges.length - 1)).fill(0);
  let bin = 0;
  for (const value of sorted) {
    while (bin < counts.length - 1 && value >= (edges[bin + 1] ?? 0)) bin++;
    if (value >= (edges[0] ?? 0) && value <= (edges[edges.length - 1] ?? 0)) {
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  }
  return counts;
}

const BINS_LEAST = 5;
const BINS_MOST = 60;

/** Edges of bins: as many as Freedman and Diaconis ask for, 2 · IQR · n^(−1/3) wide, between 5 and 60. */
export function binEdges(sorted: Float64Array, log: boolean, bins: number | null = null): number[] {
  const low = sorted[0] ?? 0;
  const high = sorted[sorted.length - 1] ?? 1;
  if (!(high > low)) return [low - 0.5, low + 0.5];
  const place = log ? Math.log10 : (value: number) => value;
  const [from, to] = [place(low), place(high)];
  const iqr = place(quantile(sorted, 0.75)) - place(quantile(sorted, 0.25));
  const width = 2 * iqr * sorted.length ** (-1 / 3);
  const wished = width > 0 ? Math.ceil((to - from) / width) : Math.ceil(Math.log2(sorted.length) + 1);
  const count = bins ?? Math.max(BINS_LEAST, Math.min(BINS_MOST, wished));
  const edges = Array.from({ length: count + 1 }, (_, i) => {
    const at = from + ((to - from) * i) / count;
    return log ? 10 ** at : at;
  });
  // Rounding must not push the outermost values out of their bins.
  edges[0] = low;
  edges[count] = high;
  return edges;
}
