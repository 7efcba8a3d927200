/** Points per chart that a screen of charts can hold and redraw without a pause. */
const CHART_POINTS = 60_000;
const STEP = 50;
const LEAST = 50;
const MOST = 4000;

/**
 * Buckets to ask for: one per device pixel, in steps so that a resize by some pixels hits the cache.
 * Many lines share a budget; they are drawn as a density anyway.
 */
export function bucketsFor(widthPx: number, pixelRatio: number, lines: number): number {
  const perPixel = Math.ceil((widthPx * Math.min(2, pixelRatio)) / STEP) * STEP;
  const affordable = Math.floor(CHART_POINTS / Math.max(1, lines) / STEP) * STEP;
  return Math.max(LEAST, Math.min(MOST, perPixel, affordable));
}
