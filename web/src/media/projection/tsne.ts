/** Rows beyond this would take minutes: the method compares all pairs in every round. */
export const TSNE_ROWS = 1_500;

const ROUNDS = 400;
const EXAGGERATED_ROUNDS = 80;
const EXAGGERATION = 8;
const PERPLEXITY = 30;
const RATE = 120;

/** Exact t-SNE (van der Maaten and Hinton 2008) from a given start, x, y per row. */
export function tsne(
  values: Float32Array,
  rows: number,
  dim: number,
  start: Float32Array,
  onProgress: (share: number) => void,
): Float32Array {
  const p = affinities(values, rows, dim, Math.min(PERPLEXITY, Math.max(2, (rows - 1) / 3)));
  const y = scaled(start);
  const step = new Float64Array(rows * 2);
  const gain = new Float64Array(rows * 2).fill(1);
  const q = new Float64Array(rows * rows);
  const slope = new Float64Array(rows * 2);
  for (let round = 0; round < ROUNDS; round++) {
    let sum = 0;
    for (let i = 0; i < rows; i++) {
      for (let j = i + 1; j < rows; j++) {
        const dx = (y[i * 2] ?? 0) - (y[j * 2] ?? 0);
        const dy = (y[i * 2 + 1] ?? 0) - (y[j * 2 + 1] ?? 0);
        const near = 1 / (1 + dx * dx + dy * dy);
        q[i * rows + j] = near;
        sum += 2 * near;
      }
    }
    slope.fill(0);
    const stress = round < EXAGGERATED_ROUNDS ? EXAGGERATION : 1;
    for (let i = 0; i < rows; i++) {
      for (let j = i + 1; j < rows; j++) {
        const near = q[i * rows + j] ?? 0;
        const pull = 4 * (stress * (p[i * rows + j] ?? 0) - near / sum) * near;
        const dx = pull * ((y[i * 2] ?? 0) - (y[j * 2] ?? 0));
        const dy = pull * ((y[i * 2 + 1] ?? 0) - (y[j * 2 + 1] ?? 0));
        slope[i * 2] = (slope[i * 2] ?? 0) + dx;
        slope[i * 2 + 1] = (slope[i * 2 + 1] ?? 0) + dy;
        slope[j * 2] = (slope[j * 2] ?? 0) - dx;
        slope[j * 2 + 1] = (slope[j * 2 + 1] ?? 0) - dy;
      }
    }
    const momentum = round < 100 ? 0.5 : 0.8;
    for (let at = 0; at < y.length; at++) {
      const turned = Math.sign(slope[at] ?? 0) !== Math.sign(step[at] ?? 0);
      gain[at] = Math.max(0.01, turned ? (gain[at] ?? 1) + 0.2 : (gain[at] ?? 1) * 0.8);
      step[at] = momentum * (step[at] ?? 0) - RATE * (gain[at] ?? 1) * (slope[at] ?? 0);
      y[at] = (y[at] ?? 0) + (step[at] ?? 0);
    }
    if (round % 20 === 0) onProgress(round / ROUNDS);
  }
  return Float32Array.from(y);
}

function scaled(start: Float32Array): Float64Array {
  let most = 0;
  for (const value of start) most = Math.max(most, Math.abs(value));
  return Float64Array.from(start, (value) => (value / (most || 1)) * 1e-2);
}

/** Symmetric joint probabilities whose rows have the given perplexity. */
function affinities(values: Float32Array, rows: number, dim: number, perplexity: number): Float64Array {
  const gaps = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = i + 1; j < rows; j++) {
      let sum = 0;
      for (let c = 0; c < dim; c++) {
        const gap = (values[i * dim + c] ?? 0) - (values[j * dim + c] ?? 0);
        sum += gap * gap;
      }
      gaps[i * rows + j] = gaps[j * rows + i] = sum;
    }
  }
  const p = new Float64Array(rows * rows);
  const target = Math.log(perplexity);
  const row = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let [low, high, beta] = [0, Number.POSITIVE_INFINITY, 1];
    // The nearest distance is taken off, so that far clusters do not underflow to nothing.
    let nearest = Number.POSITIVE_INFINITY;
    for (let j = 0; j < rows; j++) if (j !== i) nearest = Math.min(nearest, gaps[i * rows + j] ?? 0);
    for (let attempt = 0; attempt < 60; attempt++) {
      let sum = 0;
      let weighted = 0;
      for (let j = 0; j < rows; j++) {
        const gap = (gaps[i * rows + j] ?? 0) - nearest;
        const weight = j === i ? 0 : Math.exp(-gap * beta);
        row[j] = weight;
        sum += weight;
        weighted += weight * gap;
      }
      const entropy = Math.log(sum) + (beta * weighted) / sum;
      for (let j = 0; j < rows; j++) p[i * rows + j] = (row[j] ?? 0) / sum;
      if (Math.abs(entropy - target) < 1e-4) break;
      if (entropy > target) {
        low = beta;
        beta = high === Number.POSITIVE_INFINITY ? beta * 2 : (beta + high) / 2;
      } else {
        high = beta;
        beta = (beta + low) / 2;
      }
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let j = i + 1; j < rows; j++) {
      const both = ((p[i * rows + j] ?? 0) + (p[j * rows + i] ?? 0)) / (2 * rows);
      p[i * rows + j] = p[j * rows + i] = Math.max(both, 1e-12);
    }
  }
  return p;
}
