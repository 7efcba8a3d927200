type Corner = readonly [number, number, number];

const subtract = (a: Corner, b: Corner): Corner => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const dot = (a: Corner, b: Corner): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Corners that differ in one bit of their number are joined: the order that a loop over x, y, z gives. */
const BY_BITS: readonly (readonly [number, number])[] = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((from) =>
  [1, 2, 4].map((bit) => [from, from ^ bit] as const).filter(([a, b]) => a < b),
);

/**
 * The twelve edges of a box by the numbers of its eight corners, whatever their order.
 *
 * People write corners in many orders, so the edges are found by shape: three vectors from one corner that stand on
 * each other are edges, and so is every pair of corners that lies along one of them.
 */
export function boxEdges(corners: readonly Corner[]): readonly (readonly [number, number])[] {
  const [origin] = corners;
  if (corners.length !== 8 || !origin) return BY_BITS;
  const arms = corners.map((corner) => subtract(corner, origin));
  for (let i = 1; i < 8; i++) {
    for (let j = i + 1; j < 8; j++) {
      for (let k = j + 1; k < 8; k++) {
        const axes = [arms[i], arms[j], arms[k]].filter((arm) => arm !== undefined);
        const [u, v, w] = axes;
        if (!u || !v || !w || !upright(u, v) || !upright(u, w) || !upright(v, w)) continue;
        const edges = pairsAlong(corners, axes);
        if (edges.length === 12) return edges;
      }
    }
  }
  return BY_BITS;
}

const TOLERANCE = 1e-3;

function upright(a: Corner, b: Corner): boolean {
  const scale = Math.sqrt(dot(a, a) * dot(b, b));
  return scale > 0 && Math.abs(dot(a, b)) < TOLERANCE * scale;
}

function pairsAlong(corners: readonly Corner[], axes: readonly Corner[]): [number, number][] {
  const pairs: [number, number][] = [];
  for (let a = 0; a < corners.length; a++) {
    for (let b = a + 1; b < corners.length; b++) {
      const [from, to] = [corners[a], corners[b]];
      if (!from || !to) continue;
      const gap = subtract(to, from);
      if (axes.some((axis) => same(gap, axis) || same(gap, [-axis[0], -axis[1], -axis[2]])))
        pairs.push([a, b]);
    }
  }
  return pairs;
}

function same(a: Corner, b: Corner): boolean {
  const gap = subtract(a, b);
  return dot(gap, gap) <= TOLERANCE * TOLERANCE * (dot(a, a) + dot(b, b));
}
