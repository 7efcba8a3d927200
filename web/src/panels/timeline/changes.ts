import { changePoints } from "@/charts/core/changePoints";
import type { TimelineChange } from "@/charts/timeline";

/** Letters of a commit that people write. */
const SHORT = 7;

/**
 * Where the level of *values* changed over *times*, named by the commit that came with it.
 *
 * A change is put down to a commit only if the first run of the new level has another one than the run before.
 */
export function timelineChanges(
  times: readonly number[],
  values: ArrayLike<number>,
  commits: readonly (string | null)[],
): TimelineChange[] {
  const order = times
    .map((_, index) => index)
    .filter((index) => Number.isFinite(values[index] ?? Number.NaN))
    .sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
  const points = changePoints(order.map((index) => values[index] ?? 0));
  const timeAt = (place: number) => times[order[place] ?? 0] ?? 0;
  return points.map(({ index, before, after }, i) => {
    const [earlier, later] = [commits[order[index - 1] ?? -1], commits[order[index] ?? -1]];
    const previous = points[i - 1];
    const next = points[i + 1];
    return {
      x: (timeAt(index - 1) + timeAt(index)) / 2,
      before,
      after,
      label: later && later !== earlier ? `commit ${later.slice(0, SHORT)}` : "",
      since: previous ? timeAt(previous.index) : timeAt(0),
      until: next ? timeAt(next.index) : timeAt(order.length - 1),
    };
  });
}
