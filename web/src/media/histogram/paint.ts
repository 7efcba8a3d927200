import { CHART_THEMES, type ThemeName } from "@/charts/core/palette";
import { rampColor } from "@/charts/core/ramp";
import type { Scale } from "@/charts/core/scale";
import { type Bins, densityOf } from "./bins";

export interface HistogramLook {
  mode: "heat" | "ridges";
  measure: "count" | "density";
  /** Colours by the logarithm, so that tails are seen beside a peak. */
  log: boolean;
}

function measured(bins: Bins, bin: number, look: HistogramLook): number {
  return look.measure === "count" ? (bins.counts[bin] ?? 0) : densityOf(bins, bin);
}

/** 0..1 for each bin of each step; 0 only where there is nothing. */
function shades(all: readonly Bins[], look: HistogramLook): number[][] {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  const values = all.map((bins) =>
    Array.from(bins.counts, (_, bin) => {
      const value = measured(bins, bin, look);
      if (value > 0 && value < low) low = value;
      if (value > high) high = value;
      return value;
    }),
  );
  const span = Math.log(high / low) || 1;
  const least = 0.06;
  return values.map((row) =>
    row.map((value) => {
      if (!(value > 0)) return 0;
      const t = look.log ? Math.log(value / low) / span : value / high;
      return least + (1 - least) * t;
    }),
  );
}

export function paintHeat(
  g: CanvasRenderingContext2D,
  all: readonly Bins[],
  x: Scale,
  y: Scale,
  look: HistogramLook,
  theme: ThemeName,
): void {
  const tones = shades(all, look);
  all.forEach((bins, i) => {
    // A column reaches half way to its neighbours.
    const before =
      all[i - 1]?.step ?? bins.step - (x.domain[1] - bins.step || 1) * (all.length === 1 ? 1 : 0);
    const after = all[i + 1]?.step ?? x.domain[1];
    const left = Math.round(i === 0 ? x.toPixel(x.domain[0]) : x.toPixel((before + bins.step) / 2));
    const right = Math.round(
      i === all.length - 1 ? x.toPixel(x.domain[1]) : x.toPixel((bins.step + after) / 2),
    );
    for (let bin = 0; bin < bins.counts.length; bin++) {
      const tone = tones[i]?.[bin] ?? 0;
      if (tone === 0) continue;
      const bottom = Math.round(y.toPixel(bins.edges[bin] ?? 0));
      const top = Math.round(y.toPixel(bins.edges[bin + 1] ?? 0));
      g.fillStyle = rampColor(tone, theme);
      g.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
    }
  });
}

/** More ridges than this are a solid block. */
const RIDGES = 60;

export function paintRidges(
  g: CanvasRenderingContext2D,
  all: readonly Bins[],
  x: Scale,
  y: Scale,
  look: HistogramLook,
  theme: ThemeName,
): void {
  const every = Math.ceil(all.length / RIDGES);
  const shown = all.filter((_, i) => (all.length - 1 - i) % every === 0);
  let high = 0;
  for (const bins of shown)
    for (let bin = 0; bin < bins.counts.length; bin++) high = Math.max(high, measured(bins, bin, look));
  const height = Math.abs(y.toPixel(y.domain[0]) - y.toPixel(y.domain[1]));
  const rise = Math.max(18, Math.min(height * 0.3, (height / Math.max(1, shown.length)) * 3.2));
  const { surface } = CHART_THEMES[theme];
  // The last step is drawn first: it lies farthest back, at the top.
  for (let i = shown.length - 1; i >= 0; i--) {
    const bins = shown[i];
    if (!bins) continue;
    const base = y.toPixel(bins.step);
    g.beginPath();
    g.moveTo(x.toPixel(bins.edges[0] ?? 0), base);
    for (let bin = 0; bin < bins.counts.length; bin++) {
      const top = base - (high > 0 ? measured(bins, bin, look) / high : 0) * rise;
      g.lineTo(x.toPixel(((bins.edges[bin] ?? 0) + (bins.edges[bin + 1] ?? 0)) / 2), top);
    }
    g.lineTo(x.toPixel(bins.edges[bins.edges.length - 1] ?? 0), base);
    const tone = shown.length < 2 ? 0.6 : 0.3 + (0.6 * i) / (shown.length - 1);
    g.fillStyle = surface;
    g.fill();
    g.globalAlpha = 0.32;
    g.fillStyle = rampColor(tone, theme);
    g.fill();
    g.globalAlpha = 1;
    g.strokeStyle = rampColor(tone, theme);
    g.lineWidth = 1.25;
    g.stroke();
  }
}
