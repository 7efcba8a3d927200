import { at, columnExtent, isRising, lowerBound } from "./columns";
import type { ChartModel, Line } from "./model";

export type Range = [number, number];

/** The y range of a chart and what it leaves out. */
export interface YExtent {
  range: Range;
  /** Lines with points outside the range. */
  offScale: number;
  /** Points ≤ 0 that a log axis cannot show. */
  notPositive: number;
}

/** Indexes `[from, to)` of the points in *range*, plus one neighbour each side so that lines reach the edge. */
export function visibleSlice(line: Pick<Line, "x">, range: readonly [number, number] | null): Range {
  const n = line.x.length;
  if (!range || !isRising(line.x)) return [0, n];
  return [Math.max(0, lowerBound(line.x, range[0]) - 1), Math.min(n, lowerBound(line.x, range[1]) + 1)];
}

/** The x range of all lines, or the zoomed one. Never empty. */
export function xExtent(model: ChartModel): Range {
  let [low, high]: Range = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  if (model.xRange) [low, high] = model.xRange;
  else {
    for (const line of model.lines) {
      const [first, last] = columnExtent(line.x);
      low = Math.min(low, first);
      high = Math.max(high, last);
    }
  }
  if (!Number.isFinite(low) || !Number.isFinite(high)) return model.xLog ? [1, 10] : [0, 1];
  if (model.xLog) {
    // A step axis starts at 0, which a log axis cannot show; it starts at the first positive point.
    if (low <= 0) low = Math.min(smallestPositiveX(model.lines), high > 0 ? high : 1);
    if (high <= low) high = low * 10;
    return [low, high];
  }
  if (high <= low) return [low - 0.5, low + 0.5];
  return [low, high];
}

function smallestPositiveX(lines: readonly Line[]): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    for (let i = 0; i < line.x.length; i++) {
      const value = at(line.x, i);
      if (value > 0) {
        smallest = Math.min(smallest, value);
        break;
      }
    }
  }
  return Number.isFinite(smallest) ? smallest : 1;
}

/** The y range over the points that can be seen, with a little air above and below. */
export function yExtent(model: ChartModel): YExtent {
  const { yLog, xRange } = model;
  const extents: Range[] = [];
  const sample: number[] = [];
  let notPositive = 0;
  for (const line of model.lines) {
    const [from, to] = visibleSlice(line, xRange);
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    const useBand = model.band && line.lo !== null && line.hi !== null;
    const lows = useBand && line.lo ? line.lo : line.y;
    const highs = useBand && line.hi ? line.hi : line.y;
    const stride = Math.max(1, (to - from) >> 6);
    for (let i = from; i < to; i++) {
      const middle = at(line.y, i);
      if (yLog && middle <= 0) notPositive++;
      let bottom = at(lows, i);
      const top = at(highs, i);
      if (yLog && bottom <= 0) bottom = middle;
      if (bottom < low && (!yLog || bottom > 0)) low = bottom;
      if (top > high && (!yLog || top > 0) && top !== Number.POSITIVE_INFINITY) high = top;
      if ((i - from) % stride === 0 && Number.isFinite(middle) && (!yLog || middle > 0)) sample.push(middle);
    }
    if (low <= high) extents.push([low, high]);
  }
  let low = Math.min(...extents.map((extent) => extent[0]));
  let high = Math.max(...extents.map((extent) => extent[1]));
  const [bottom, top] = model.yRange;
  if (extents.length === 0)
    return { range: byHand(yLog ? [0.1, 10] : [0, 1], bottom, top, yLog), offScale: 0, notPositive };
  let offScale = 0;
  if (bottom !== null && top !== null) {
    const range = byHand([low, high], bottom, top, yLog);
    // Both ends are somebody's wish; what lies outside is still named.
    offScale = extents.filter((extent) => extent[0] < range[0] || extent[1] > range[1]).length;
    return { range, offScale, notPositive };
  }
  if (model.yMode === "robust") {
    const robust = robustRange(extents, sample, [low, high], yLog);
    offScale = extents.filter((extent) => extent[0] < robust[0] || extent[1] > robust[1]).length;
    [low, high] = robust;
  }
  return { range: byHand(withAir(low, high, yLog), bottom, top, yLog), offScale, notPositive };
}

/** *range* with the ends that were set by hand, never empty. */
function byHand(range: Range, bottom: number | null, top: number | null, yLog: boolean): Range {
  const low = bottom !== null && (!yLog || bottom > 0) ? bottom : range[0];
  const high = top !== null && (!yLog || top > 0) ? top : range[1];
  if (low < high) return [low, high];
  return yLog ? [low, low * 10] : [low, low + (Math.abs(low) * 0.1 || 1)];
}

/** Lines that a range may leave out: this share of them, and at least one. */
const OUTLIER_SHARE = 0.15;
/** How much taller the rest must become for it. Among few lines "the rest" says little, so it takes more. */
const GAIN_OF_MANY = 4;
const GAIN_OF_FEW = 10;
const MANY_LINES = 10;
const GIANT = 1000;

/**
 * The range without what would flatten the picture: lines whose extreme lies far outside those of the
 * others (Tukey's outer fence over the lines), and single points so far out that they would squeeze
 * 99 % of all points into a tenth of the height.
 *
 * A trim that gains little is not made: a slower model or a steep start is news, not noise.
 */
function robustRange(extents: readonly Range[], sample: number[], full: Range, yLog: boolean): Range {
  const to = (value: number) => (yLog ? Math.log10(value) : value);
  const from = (value: number) => (yLog ? 10 ** value : value);
  const fullRange: Range = [to(full[0]), to(full[1])];
  let range = withoutOutliers(
    extents.map(([low, high]): Range => [to(low), to(high)]),
    fullRange,
  );
  if (sample.length >= 20 && !yLog) range = withoutSpikes(sample, range);
  if (!(range[0] < range[1])) return full;
  // An untouched end is passed on as it came: there and back through the logarithm it would move by a hair,
  // and a line that ends exactly there would count as off scale.
  return [
    range[0] === fullRange[0] ? full[0] : from(range[0]),
    range[1] === fullRange[1] ? full[1] : from(range[1]),
  ];
}

function withoutOutliers(extents: readonly Range[], full: Range): Range {
  const n = extents.length;
  if (n < 5) return withoutGiant(extents, full);
  const tops = extents.map((extent) => extent[1]).sort((a, b) => a - b);
  const bottoms = extents.map((extent) => extent[0]).sort((a, b) => a - b);
  // All lines may peak at the same height; then the fence is as wide as their common range, not zero.
  const typical = quantile(tops, 0.5) - quantile(bottoms, 0.5);
  const reach = (sorted: readonly number[]) =>
    Math.max(3 * (quantile(sorted, 0.75) - quantile(sorted, 0.25)), 0.5 * typical);
  const ceiling = quantile(tops, 0.75) + reach(tops);
  const floor = quantile(bottoms, 0.25) - reach(bottoms);
  // A line that runs away has a longer way than others; one that is only somewhere else (a larger model's
  // memory) has not, and leaving it out would hide what one came to see.
  const spans = extents.map(([low, high]) => high - low).sort((a, b) => a - b);
  const long = 2 * quantile(spans, 0.5);
  const kept = extents.filter(([low, high]) => (high <= ceiling && low >= floor) || high - low <= long);
  if (kept.length === 0 || n - kept.length > Math.max(1, n * OUTLIER_SHARE)) return full;
  const range: Range = [Math.min(...kept.map(([low]) => low)), Math.max(...kept.map(([, high]) => high))];
  const gain = (full[1] - full[0]) / (range[1] - range[0]);
  return gain >= (n >= MANY_LINES ? GAIN_OF_MANY : GAIN_OF_FEW) ? range : full;
}

/** Among two to four lines, only one that is a thousand times taller than each other one is left out: it exploded. */
function withoutGiant(extents: readonly Range[], full: Range): Range {
  const byHeight = [...extents].sort((a, b) => b[1] - b[0] - (a[1] - a[0]));
  const [giant, next] = byHeight;
  if (!giant || !next) return full;
  const height = next[1] - next[0];
  if (!(height > 0) || giant[1] - giant[0] < GIANT * height) return full;
  const rest = byHeight.slice(1);
  return [Math.min(...rest.map(([low]) => low)), Math.max(...rest.map(([, high]) => high))];
}

function withoutSpikes(sample: number[], [low, high]: Range): Range {
  const sorted = sample.sort((a, b) => a - b);
  const bottom = quantile(sorted, 0.005);
  const top = quantile(sorted, 0.995);
  const body = top - bottom;
  if (!(body > 0)) return [low, high];
  return [
    bottom - low > 9 * body ? bottom - 0.1 * body : low,
    high - top > 9 * body ? top + 0.1 * body : high,
  ];
}

function withAir(low: number, high: number, yLog: boolean): Range {
  if (yLog) {
    if (low === high) return [low / 2, high * 2];
    const air = (high / low) ** 0.05;
    return [low / air, high * air];
  }
  if (low === high) {
    const air = Math.abs(low) * 0.1 || 0.5;
    return [low - air, high + air];
  }
  const span = high - low;
  const air = span * 0.06;
  // A positive quantity that comes near zero is shown from zero: the distance to it means something.
  const bottom = low >= 0 && low - air < span * 0.25 && low < span * 0.35 ? Math.min(0, low) : low - air;
  return [bottom, high + air];
}

/** Quantile of rising values by linear interpolation. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = (sorted.length - 1) * q;
  const index = Math.floor(position);
  const left = at(sorted, index);
  const right = at(sorted, Math.min(sorted.length - 1, index + 1));
  return left + (right - left) * (position - index);
}
