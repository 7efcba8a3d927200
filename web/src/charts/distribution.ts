import type { Box } from "./core/axes";
import { at } from "./core/columns";
import type { BoxStats, Density } from "./core/distribution";
import type { ChartTheme } from "./core/palette";
import { axisScale, axisTicks, type PlotAxis, shortName } from "./core/plotAxis";
import type { Scale } from "./core/scale";
import type { Painter, PlotModel } from "./plot";

/** The runs of one category. */
export interface Sample {
  label: string;
  color: string;
  stats: BoxStats | null;
  density: Density | null;
}

export interface DistributionModel extends PlotModel {
  shape: "box" | "violin";
  y: PlotAxis;
  domain: readonly [number, number];
  samples: readonly Sample[];
  /** The sample of each run; -1 = in none. */
  sampleOf: Int32Array;
  colors: readonly string[];
}

export interface DistributionLayout {
  box: Box;
  y: Scale;
  step: number;
  /** Where each run's dot is. */
  x: Float32Array;
}

/** Runs of a sample beyond which single dots say less than the shape. */
const DOTS = 400;
const REACH_PX = 10;

export const distributionPainter: Painter<DistributionModel, DistributionLayout> = {
  layOut(g, model, size) {
    const [top, bottom] = [20, size.height - 24];
    const ticks = axisTicks(model.y, model.domain, Math.max(2, Math.round((bottom - top) / 42)));
    const widest = Math.max(0, ...ticks.labels.map((label) => g.measureText(label).width));
    const box = { left: Math.max(28, Math.ceil(widest) + 12), right: size.width - 10, top, bottom };
    const step = (box.right - box.left) / Math.max(1, model.samples.length);
    const x = new Float32Array(model.ids.length);
    for (let i = 0; i < x.length; i++) {
      const sample = at(model.sampleOf, i);
      x[i] =
        sample < 0 ? Number.NaN : box.left + (sample + 0.5) * step + jitter(i) * Math.min(step * 0.32, 26);
    }
    return { box, y: axisScale(model.y, model.domain, bottom, top), step, x };
  },
  paintBase(g, model, { box, y, step }, theme) {
    if (model.samples.length === 0) return;
    const { values, labels } = axisTicks(
      model.y,
      model.domain,
      Math.max(2, Math.round((box.bottom - box.top) / 42)),
    );
    g.strokeStyle = theme.grid;
    g.fillStyle = theme.label;
    g.lineWidth = 1;
    g.textAlign = "right";
    g.textBaseline = "middle";
    values.forEach((value, i) => {
      const py = Math.round(y.toPixel(value)) + 0.5;
      g.beginPath();
      g.moveTo(box.left, py);
      g.lineTo(box.right, py);
      g.stroke();
      g.fillText(labels[i] ?? "", box.left - 6, py);
    });
    g.textAlign = "center";
    g.textBaseline = "top";
    const letters = Math.max(2, Math.floor(step / 6.6));
    model.samples.forEach(({ label }, i) => {
      g.fillText(shortName(label, letters), box.left + (i + 0.5) * step, box.bottom + 7);
    });
    g.textAlign = "left";
    g.globalAlpha = 0.85;
    g.fillText(model.y.label, 4, 2);
    g.globalAlpha = 1;
  },
  paintMarks(g, model, layout, theme) {
    model.samples.forEach((sample, i) => {
      const middle = layout.box.left + (i + 0.5) * layout.step;
      const half = Math.min(layout.step * 0.34, 44);
      if (model.shape === "violin" && sample.density)
        paintViolin(g, sample, sample.density, layout.y, middle, half, theme);
      else if (sample.stats) paintBox(g, sample, sample.stats, layout.y, middle, half * 0.8, theme);
    });
    const dots = model.ids.length <= DOTS * Math.max(1, model.samples.length);
    if (!dots) return;
    g.globalAlpha = 0.75;
    for (let i = 0; i < model.ids.length; i++) paintDot(g, model, layout, theme, i, 2);
    g.globalAlpha = 1;
  },
  paintMark(g, model, layout, theme, index) {
    paintDot(g, model, layout, theme, index, 5);
  },
  find(model, { x, y }, px, py) {
    let nearest = -1;
    let distance = REACH_PX ** 2;
    for (let i = 0; i < model.ids.length; i++) {
      const here = (at(x, i) - px) ** 2 + (y.toPixel(at(model.y.values, i)) - py) ** 2;
      if (here < distance) {
        distance = here;
        nearest = i;
      }
    }
    return nearest;
  },
  place(model, { x, y }, index) {
    const [px, py] = [at(x, index), y.toPixel(at(model.y.values, index))];
    return Number.isNaN(px + py) ? null : [px, py];
  },
  order(model) {
    return model.ids
      .map((_, index) => index)
      .filter((index) => at(model.sampleOf, index) >= 0)
      .sort(
        (a, b) =>
          at(model.sampleOf, a) - at(model.sampleOf, b) || at(model.y.values, a) - at(model.y.values, b),
      );
  },
};

/** −1…1, the same for a run each time: a picture that trembles at each refresh cannot be read. */
function jitter(index: number): number {
  return (((index + 1) * 0.618_033_988_75) % 1) * 2 - 1;
}

function paintDot(
  g: CanvasRenderingContext2D,
  model: DistributionModel,
  { x, y }: DistributionLayout,
  theme: ChartTheme,
  index: number,
  radius: number,
): void {
  const [px, py] = [at(x, index), y.toPixel(at(model.y.values, index))];
  if (Number.isNaN(px + py)) return;
  g.fillStyle = model.colors[index] ?? theme.accent;
  g.beginPath();
  g.arc(px, py, radius, 0, Math.PI * 2);
  g.fill();
  if (radius < 4) return;
  g.strokeStyle = theme.surface;
  g.lineWidth = 1.5;
  g.stroke();
}

function paintBox(
  g: CanvasRenderingContext2D,
  { color }: Sample,
  stats: BoxStats,
  y: Scale,
  middle: number,
  half: number,
  theme: ChartTheme,
): void {
  const [low, q1, median, q3, high] = [stats.low, stats.q1, stats.median, stats.q3, stats.high].map(
    y.toPixel,
  );
  if (low === undefined || q1 === undefined || median === undefined || q3 === undefined || high === undefined)
    return;
  g.strokeStyle = color;
  g.fillStyle = color;
  g.lineWidth = 1.5;
  g.beginPath();
  g.moveTo(middle, low);
  g.lineTo(middle, q1);
  g.moveTo(middle, q3);
  g.lineTo(middle, high);
  g.moveTo(middle - half / 2, low);
  g.lineTo(middle + half / 2, low);
  g.moveTo(middle - half / 2, high);
  g.lineTo(middle + half / 2, high);
  g.stroke();
  g.globalAlpha = 0.16;
  g.fillRect(middle - half, q3, half * 2, q1 - q3);
  g.globalAlpha = 1;
  g.strokeRect(middle - half, q3, half * 2, q1 - q3);
  g.lineWidth = 2.5;
  g.beginPath();
  g.moveTo(middle - half, median);
  g.lineTo(middle + half, median);
  g.stroke();
  paintMean(g, y.toPixel(stats.mean), middle, theme);
}

function paintViolin(
  g: CanvasRenderingContext2D,
  { color, stats }: Sample,
  { at: places, height }: Density,
  y: Scale,
  middle: number,
  half: number,
  theme: ChartTheme,
): void {
  const widest = Math.max(...height);
  g.beginPath();
  for (let i = 0; i < places.length; i++) {
    g.lineTo(middle + (half * at(height, i)) / widest, y.toPixel(at(places, i)));
  }
  for (let i = places.length - 1; i >= 0; i--) {
    g.lineTo(middle - (half * at(height, i)) / widest, y.toPixel(at(places, i)));
  }
  g.closePath();
  g.fillStyle = color;
  g.strokeStyle = color;
  g.globalAlpha = 0.18;
  g.fill();
  g.globalAlpha = 1;
  g.lineWidth = 1.25;
  g.stroke();
  if (!stats) return;
  g.lineWidth = 3;
  g.beginPath();
  g.moveTo(middle, y.toPixel(stats.q1));
  g.lineTo(middle, y.toPixel(stats.q3));
  g.stroke();
  paintMean(g, y.toPixel(stats.median), middle, theme);
}

function paintMean(g: CanvasRenderingContext2D, py: number, middle: number, theme: ChartTheme): void {
  g.fillStyle = theme.surface;
  g.lineWidth = 1.5;
  g.beginPath();
  g.arc(middle, py, 3, 0, Math.PI * 2);
  g.fill();
  g.stroke();
}
