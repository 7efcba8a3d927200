/** A place in a row of values from which on their level is another. */
export interface ChangePoint {
  /** Index of the first value of the new level. */
  index: number;
  before: number;
  after: number;
  /** Difference of the medians in units of the noise. */
  strength: number;
}

/** Values that a level needs on each side: fewer are an accident. */
const LEAST = 3;
/** Levels must be this many noise deviations apart. */
const STRENGTH = 4;
const MOST = 8;

/**
 * Change points of a row of finite values, strongest first found, returned in order of place.
 *
 * Binary segmentation: the split with the smallest sum of absolute deviations from the two medians is kept
 * if the medians differ by more than `STRENGTH` times the noise, which is the median absolute difference of
 * neighbours (÷ 0.954, its expectation for normal noise of deviation 1). Medians, because one crashed run
 * must not look like a new level.
 */
export function changePoints(values: readonly number[]): ChangePoint[] {
  const noise = noiseOf(values);
  const found: ChangePoint[] = [];
  const open: [number, number][] = [[0, values.length]];
  while (open.length > 0 && found.length < MOST) {
    const [from, to] = open.pop() ?? [0, 0];
    const split = bestSplit(values, from, to, noise);
    if (!split) continue;
    found.push(split);
    open.push([from, split.index], [split.index, to]);
  }
  return found.sort((a, b) => a.index - b.index);
}

function bestSplit(values: readonly number[], from: number, to: number, noise: number): ChangePoint | null {
  if (to - from < 2 * LEAST) return null;
  // Two passes over a coarse grid keep a thousand runs below a millisecond or two.
  const step = Math.max(1, Math.floor((to - from) / 64));
  const cost = (index: number) => deviation(values, from, index) + deviation(values, index, to);
  let index = 0;
  let least = Number.POSITIVE_INFINITY;
  const look = (first: number, last: number, each: number) => {
    for (let i = first; i <= last; i += each) {
      const here = cost(i);
      if (here < least) {
        least = here;
        index = i;
      }
    }
  };
  look(from + LEAST, to - LEAST, step);
  if (step > 1) look(Math.max(from + LEAST, index - step), Math.min(to - LEAST, index + step), 1);
  const [before, after] = [median(values.slice(from, index)), median(values.slice(index, to))];
  const difference = Math.abs(after - before);
  if (difference === 0) return null;
  // Without any noise a difference must still be one that a person would call one.
  const scale = Math.max(noise, 0.005 * Math.max(Math.abs(before), Math.abs(after)));
  const strength = difference / scale;
  return strength >= STRENGTH ? { index, before, after, strength } : null;
}

function deviation(values: readonly number[], from: number, to: number): number {
  const part = values.slice(from, to);
  const middle = median(part);
  return part.reduce((sum, value) => sum + Math.abs(value - middle), 0);
}

function noiseOf(values: readonly number[]): number {
  const steps = values.slice(1).map((value, i) => Math.abs(value - (values[i] ?? value)));
  return steps.length > 0 ? median(steps) / 0.954 : 0;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const high = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[half - 1] ?? high) + high) / 2;
}
