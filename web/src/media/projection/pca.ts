/** The first two principal components of *rows* vectors of length *dim*, as x, y per row. */
export function pca(values: Float32Array, rows: number, dim: number): Float32Array {
  const centered = center(values, rows, dim);
  const out = new Float32Array(rows * 2);
  const found: Float64Array[] = [];
  for (let component = 0; component < Math.min(2, dim); component++) {
    const axis = strongest(centered, rows, dim, found, component);
    found.push(axis);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let i = 0; i < dim; i++) sum += (centered[row * dim + i] ?? 0) * (axis[i] ?? 0);
      out[row * 2 + component] = sum;
    }
  }
  return out;
}

function center(values: Float32Array, rows: number, dim: number): Float32Array {
  const mean = new Float64Array(dim);
  const clean = Float32Array.from(values, (value) => (Number.isFinite(value) ? value : 0));
  for (let at = 0; at < clean.length; at++) mean[at % dim] = (mean[at % dim] ?? 0) + (clean[at] ?? 0) / rows;
  for (let at = 0; at < clean.length; at++) clean[at] = (clean[at] ?? 0) - (mean[at % dim] ?? 0);
  return clean;
}

const ROUNDS = 80;
const SETTLED = 1e-10;

/** The direction of most variance that stands on those found before: power iteration without the covariance. */
function strongest(
  values: Float32Array,
  rows: number,
  dim: number,
  found: readonly Float64Array[],
  component: number,
): Float64Array {
  // A fixed start, so that the same table gives the same picture.
  let axis = Float64Array.from(
    { length: dim },
    (_, i) => Math.sin((i + 1) * (component + 1) * 12.9898) + 1.5,
  );
  normalize(axis, found);
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(dim);
    for (let row = 0; row < rows; row++) {
      const start = row * dim;
      let score = 0;
      for (let i = 0; i < dim; i++) score += (values[start + i] ?? 0) * (axis[i] ?? 0);
      for (let i = 0; i < dim; i++) next[i] = (next[i] ?? 0) + score * (values[start + i] ?? 0);
    }
    if (!normalize(next, found)) return next;
    let change = 0;
    for (let i = 0; i < dim; i++) change += ((next[i] ?? 0) - (axis[i] ?? 0)) ** 2;
    axis = next;
    if (change < SETTLED) break;
  }
  return axis;
}

function normalize(axis: Float64Array, found: readonly Float64Array[]): boolean {
  for (const other of found) {
    let share = 0;
    for (let i = 0; i < axis.length; i++) share += (axis[i] ?? 0) * (other[i] ?? 0);
    for (let i = 0; i < axis.length; i++) axis[i] = (axis[i] ?? 0) - share * (other[i] ?? 0);
  }
  let size = 0;
  for (const value of axis) size += value * value;
  size = Math.sqrt(size);
  if (!(size > 1e-12)) return false;
  for (let i = 0; i < axis.length; i++) axis[i] = (axis[i] ?? 0) / size;
  return true;
}
