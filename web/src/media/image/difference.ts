/** Two pictures of one size, compared pixel by pixel. */
export interface Difference {
  width: number;
  height: number;
  /** |a − b| of each colour, amplified; opaque. */
  rgba: Uint8ClampedArray;
  /** Largest |a − b| of any colour of any pixel, 0..255. */
  max: number;
  /** Mean |a − b| over all colours of all pixels. */
  mean: number;
  /** Pixels that differ at all. */
  differing: number;
}

interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** Compares what two pictures have in common, from their upper left corner; *gain* amplifies what is shown. */
export function difference(a: Pixels, b: Pixels, gain: number): Difference {
  const width = Math.min(a.width, b.width);
  const height = Math.min(a.height, b.height);
  const rgba = new Uint8ClampedArray(width * height * 4);
  let max = 0;
  let sum = 0;
  let differing = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const ia = (y * a.width + x) * 4;
      const ib = (y * b.width + x) * 4;
      const out = (y * width + x) * 4;
      let largest = 0;
      for (let c = 0; c < 3; c++) {
        const gap = Math.abs((a.data[ia + c] ?? 0) - (b.data[ib + c] ?? 0));
        rgba[out + c] = gap * gain;
        sum += gap;
        if (gap > largest) largest = gap;
      }
      rgba[out + 3] = 255;
      if (largest > 0) differing++;
      if (largest > max) max = largest;
    }
  }
  const n = width * height * 3;
  return { width, height, rgba, max, mean: n === 0 ? 0 : sum / n, differing };
}
