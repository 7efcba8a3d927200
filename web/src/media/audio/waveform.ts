import type { ChartTheme } from "@/charts/core/palette";

const BAR_PX = 3;

/** Draws lowest and highest sample per bar; what was played is in the accent colour. *played* = 0..1. */
export function drawPeaks(
  g: CanvasRenderingContext2D,
  { width, height }: { width: number; height: number },
  peaks: readonly (readonly [number, number])[],
  played: number,
  theme: ChartTheme,
): void {
  const middle = height / 2;
  const bars = Math.max(1, Math.floor(width / BAR_PX));
  for (let bar = 0; bar < bars; bar++) {
    const [low, high] = peakOf(peaks, bar, bars);
    const x = bar * BAR_PX;
    const top = middle - Math.max(high * middle * 0.94, 0.75);
    const bottom = middle - Math.min(low * middle * 0.94, -0.75);
    g.fillStyle = x / width < played ? theme.accent : theme.cross;
    g.globalAlpha = x / width < played ? 1 : 0.65;
    g.fillRect(x, top, BAR_PX - 1, bottom - top);
  }
  g.globalAlpha = 1;
  if (played > 0) {
    g.fillStyle = theme.accent;
    g.fillRect(Math.round(played * width), 0, 1.5, height);
  }
}

/** The peak over all pieces that share a bar, so that no click is lost. */
export function peakOf(
  peaks: readonly (readonly [number, number])[],
  bar: number,
  bars: number,
): readonly [number, number] {
  const from = Math.floor((bar * peaks.length) / bars);
  const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / bars));
  let low = 0;
  let high = 0;
  for (let i = from; i < to && i < peaks.length; i++) {
    const [bottom, top] = peaks[i] ?? [0, 0];
    if (bottom < low) low = bottom;
    if (top > high) high = top;
  }
  return [low, high];
}
