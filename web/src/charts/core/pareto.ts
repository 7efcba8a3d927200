export type Direction = "min" | "max";

/**
 * The points that no other point beats in both directions, as indices in the order of rising x.
 *
 * Points with a coordinate that is not finite are left out. Of equal points all are kept.
 */
export function paretoFront(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  xBest: Direction,
  yBest: Direction,
): number[] {
  const order = finiteOrder(x, y);
  // From the best x to the worst: a point is in front if its y is at least as good as any before it.
  const sx = xBest === "max" ? -1 : 1;
  const sy = yBest === "max" ? -1 : 1;
  order.sort((a, b) => sx * (value(x, a) - value(x, b)) || sy * (value(y, a) - value(y, b)));
  const front: number[] = [];
  let best = Number.POSITIVE_INFINITY;
  let bestX = Number.NaN;
  for (const index of order) {
    const height = sy * value(y, index);
    const again = height === best && value(x, index) === bestX;
    if (height < best || again) {
      front.push(index);
      best = height;
      bestX = value(x, index);
    }
  }
  return front.sort((a, b) => value(x, a) - value(x, b));
}

/** The points that were better than all with a smaller x, in the order of x: the steps of "best so far". */
export function runningBest(x: ArrayLike<number>, y: ArrayLike<number>, best: Direction): number[] {
  const sign = best === "max" ? -1 : 1;
  const order = finiteOrder(x, y).sort(
    (a, b) => value(x, a) - value(x, b) || sign * (value(y, a) - value(y, b)),
  );
  const steps: number[] = [];
  let record = Number.POSITIVE_INFINITY;
  for (const index of order) {
    const height = sign * value(y, index);
    if (height >= record) continue;
    record = height;
    steps.push(index);
  }
  return steps;
}

function finiteOrder(x: ArrayLike<number>, y: ArrayLike<number>): number[] {
  const order: number[] = [];
  for (let i = 0; i < x.length; i++) {
    if (Number.isFinite(value(x, i)) && Number.isFinite(value(y, i))) order.push(i);
  }
  return order;
}

function value(column: ArrayLike<number>, index: number): number {
  return column[index] ?? Number.NaN;
}
