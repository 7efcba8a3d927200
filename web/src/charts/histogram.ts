import { type Box, drawAxes } from "./core/axes";
import { at } from "./core/columns";
import type { PlotAxis } from "./core/plotAxis";
import { axisTicks } from "./core/plotAxis";
import { createScale, type Scale } from "./core/scale";
import { numberTicks } from "./core/ticks";
import type { Painter, PlotModel } from "./plot";

export interface HistogramModel extends PlotModel {
  /** Bins first, then runs: `ids[bins + i]` is run i of the axis. */
  bins: number;
  edges: readonly number[];
  /** Counts of each bin, one list per series, to be stacked. */
  series: readonly { label: string; color: string; counts: readonly number[] }[];
  x: PlotAxis;
  colors: readonly string[];
}

export interface HistogramLayout {
  box: Box;
  x: Scale;
  y: Scale;
  width: number;
}

export const histogramPainter: Painter<HistogramModel, HistogramLayout> = {
  layOut(_g, model, { width, height }) {
    const box = { left: 38, right: width - 10, top: 10, bottom: height - 22 };
    const totals = model.edges.slice(1).map((_, bin) => totalOf(model, bin));
    const [low, high] = [model.edges[0] ?? 0, model.edges.at(-1) ?? 1];
    return {
      box,
      x: createScale([low, high], box.left, box.right, model.x.log),
      y: createScale([0, Math.max(1, ...totals) * 1.05], box.bottom, box.top, false),
      width,
    };
  },
  paintBase(g, model, { box, x, y, width }, theme) {
    if (model.bins === 0) return;
    const xCount = Math.max(2, Math.min(10, Math.round((box.right - box.left) / 70)));
    const yCount = Math.max(2, Math.min(8, Math.round((box.bottom - box.top) / 42)));
    const counts = numberTicks(0, y.domain[1], yCount, false, null);
    const whole = counts.values
      .map((value, i) => ({ value, label: counts.labels[i] ?? "" }))
      .filter(({ value }) => Number.isInteger(value));
    drawAxes(
      g,
      box,
      { scale: x, ticks: axisTicks(model.x, x.domain, xCount), label: model.x.label },
      {
        scale: y,
        ticks: { values: whole.map(({ value }) => value), labels: whole.map(({ label }) => label) },
      },
      theme,
      width,
    );
  },
  paintMarks(g, model, layout) {
    for (let bin = 0; bin < model.bins; bin++) paintBin(g, model, layout, bin, 0.85);
  },
  paintMark(g, model, layout, theme, index) {
    if (index < model.bins) {
      paintBin(g, model, layout, index, 1);
      return;
    }
    const { box, x } = layout;
    const px = Math.round(x.toPixel(at(model.x.values, index - model.bins))) + 0.5;
    for (let bin = 0; bin < model.bins; bin++) paintBin(g, model, layout, bin, 0.35);
    g.strokeStyle = model.colors[index - model.bins] ?? theme.accent;
    g.lineWidth = 2;
    g.beginPath();
    g.moveTo(px, box.top);
    g.lineTo(px, box.bottom);
    g.stroke();
  },
  find(model, { box, x }, px, py) {
    if (px < box.left || px > box.right || py < box.top || py > box.bottom) return -1;
    const value = x.toValue(px);
    return model.edges.findIndex(
      (edge, i) => i < model.bins && value >= edge && value <= (model.edges[i + 1] ?? edge),
    );
  },
  place(model, { box, x, y }, index) {
    if (index < model.bins) {
      const px = (x.toPixel(model.edges[index] ?? 0) + x.toPixel(model.edges[index + 1] ?? 0)) / 2;
      return [px, y.toPixel(totalOf(model, index))];
    }
    const px = x.toPixel(at(model.x.values, index - model.bins));
    return Number.isNaN(px) ? null : [px, box.top];
  },
  order(model) {
    return Array.from({ length: model.bins }, (_, bin) => bin);
  },
};

export function totalOf({ series }: HistogramModel, bin: number): number {
  return series.reduce((sum, { counts }) => sum + (counts[bin] ?? 0), 0);
}

function paintBin(
  g: CanvasRenderingContext2D,
  model: HistogramModel,
  { x, y }: HistogramLayout,
  bin: number,
  alpha: number,
): void {
  const from = x.toPixel(model.edges[bin] ?? 0) + 0.5;
  const to = x.toPixel(model.edges[bin + 1] ?? 0) - 0.5;
  let below = 0;
  g.globalAlpha = alpha;
  for (const { color, counts } of model.series) {
    const count = counts[bin] ?? 0;
    if (count === 0) continue;
    const top = y.toPixel(below + count);
    g.fillStyle = color;
    g.fillRect(from, top, Math.max(1, to - from), y.toPixel(below) - top);
    below += count;
  }
  g.globalAlpha = 1;
}
