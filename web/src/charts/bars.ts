import type { Box } from "./core/axes";
import type { ChartTheme } from "./core/palette";
import { shortName } from "./core/plotAxis";
import { createScale, type Scale } from "./core/scale";
import { numberTicks } from "./core/ticks";
import type { Painter, PlotModel } from "./plot";

export interface Bar {
  label: string;
  color: string;
  value: number;
  /** Mean ± std of a group; equal to the value for a single run. */
  low: number;
  high: number;
  text: string;
}

export interface BarsModel extends PlotModel {
  /** Longest first, one per id. */
  bars: readonly Bar[];
  label: string;
}

export interface BarsLayout {
  box: Box;
  x: Scale;
  rowPx: number;
  /** Bars that have room. */
  shown: number;
}

const ROW_PX = 24;
const ROW_LEAST_PX = 13;

/** Bars that have room at a height. */
export function barsRoom(height: number): number {
  return Math.max(1, Math.floor((height - 30) / ROW_LEAST_PX));
}

export const barsPainter: Painter<BarsModel, BarsLayout> = {
  layOut(g, model, size) {
    const shown = Math.min(model.bars.length, barsRoom(size.height));
    const rowPx = Math.min(ROW_PX, Math.max(ROW_LEAST_PX, (size.height - 30) / Math.max(1, shown)));
    const names = model.bars.slice(0, shown).map(({ label }) => g.measureText(shortName(label, 24)).width);
    const left = Math.min(size.width * 0.4, Math.max(24, ...names) + 12);
    const box = { left, right: size.width - 54, top: 6, bottom: 6 + rowPx * shown };
    const ends = model.bars.flatMap(({ low, high }) => [low, high]).filter(Number.isFinite);
    const domain: [number, number] = [Math.min(0, ...ends), Math.max(0, ...ends)];
    if (domain[0] === domain[1]) domain[1] = 1;
    return { box, x: createScale(domain, box.left, box.right, false), rowPx, shown };
  },
  paintBase(g, model, { box, x }, theme) {
    const count = Math.max(2, Math.min(6, Math.round((box.right - box.left) / 70)));
    const { values, labels } = numberTicks(x.domain[0], x.domain[1], count, false, null);
    g.strokeStyle = theme.grid;
    g.fillStyle = theme.label;
    g.lineWidth = 1;
    g.textAlign = "center";
    g.textBaseline = "top";
    if (model.bars.length === 0) return;
    values.forEach((value, i) => {
      const px = Math.round(x.toPixel(value)) + 0.5;
      g.beginPath();
      g.moveTo(px, box.top);
      g.lineTo(px, box.bottom);
      g.stroke();
      g.fillText(labels[i] ?? "", px, box.bottom + 6);
    });
  },
  paintMarks(g, model, layout, theme) {
    for (let index = 0; index < layout.shown; index++) paintBar(g, model, layout, theme, index, 0.85);
  },
  paintMark(g, model, layout, theme, index) {
    paintBar(g, model, layout, theme, index, 1);
  },
  find(_model, { box, rowPx, shown }, px, py) {
    const row = Math.floor((py - box.top) / rowPx);
    return px >= 0 && row >= 0 && row < shown ? row : -1;
  },
  place(_model, { box, rowPx, shown }, index) {
    return index < shown ? [(box.left + box.right) / 2, box.top + (index + 0.5) * rowPx] : null;
  },
  order(model) {
    return model.ids.map((_, index) => index);
  },
};

function paintBar(
  g: CanvasRenderingContext2D,
  model: BarsModel,
  { box, x, rowPx }: BarsLayout,
  theme: ChartTheme,
  index: number,
  alpha: number,
): void {
  const bar = model.bars[index];
  if (!bar) return;
  const middle = box.top + (index + 0.5) * rowPx;
  const thick = Math.max(6, rowPx - 7);
  const [zero, end] = [x.toPixel(0), x.toPixel(bar.value)];
  g.globalAlpha = alpha;
  g.fillStyle = bar.color;
  g.fillRect(Math.min(zero, end), middle - thick / 2, Math.max(1, Math.abs(end - zero)), thick);
  g.globalAlpha = 1;
  const [low, high] = [x.toPixel(bar.low), x.toPixel(bar.high)];
  if (high - low > 1) {
    g.strokeStyle = theme.label;
    g.lineWidth = 1.25;
    g.beginPath();
    g.moveTo(low, middle);
    g.lineTo(high, middle);
    g.moveTo(low, middle - 3);
    g.lineTo(low, middle + 3);
    g.moveTo(high, middle - 3);
    g.lineTo(high, middle + 3);
    g.stroke();
  }
  g.font = theme.font;
  g.fillStyle = theme.label;
  g.textBaseline = "middle";
  g.textAlign = "right";
  const letters = Math.max(4, Math.min(24, Math.floor(box.left / 6.4)));
  g.fillText(shortName(bar.label, letters), box.left - 8, middle);
  g.textAlign = "left";
  g.fillText(bar.text, Math.max(zero, end, high) + 6, middle);
}
