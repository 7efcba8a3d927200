import { DENSITY_LINES } from "@/charts/core/model";

/**
 * Points a chart may draw per pixel of its width, over all lines. At 30, a screen of 16 charts with 50 lines
 * each paints in half the time of one bucket per pixel (bench/ui.mjs), and nobody sees single pixels of 50 lines.
 */
const POINTS_PER_PX = 30;
const STEP = 50;
const LEAST = 100;
/** Of lines that are drawn as a density together, which has a column every three pixels. */
const LEAST_DENSE = 60;
const MOST = 4000;

/**
 * Buckets to ask for: one per device pixel while lines are few, fewer when many share the chart. Each bucket
 * keeps its lowest and highest value, so a spike is seen either way. In steps, so that a resize by some pixels
 * hits the cache.
 */
export function bucketsFor(widthPx: number, pixelRatio: number, lines: number): number {
  const pixels = widthPx * Math.min(2, pixelRatio);
  const affordable = (widthPx * POINTS_PER_PX) / Math.max(1, lines);
  const buckets = Math.ceil(Math.min(pixels, affordable) / STEP) * STEP;
  return Math.max(lines > DENSITY_LINES ? LEAST_DENSE : LEAST, Math.min(MOST, buckets));
}
