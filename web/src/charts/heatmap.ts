import { axisLabel, type Box, drawAxes, xTicks } from "./core/axes";
import { at } from "./core/columns";
import type { Axis } from "./core/model";
import { rampColor } from "./core/ramp";
import { createScale, type Scale } from "./core/scale";
import type { Painter, PlotModel } from "./plot";

export interface HeatmapModel extends PlotModel {
  /** One per cell, row by row: the subject of the row, so that a hover over any cell names it. */
  ids: readonly string[];
  rows: readonly string[];
  axis: Axis;
  /** One more than there are columns; they rise. */
  edges: ArrayLike<number>;
  /** Row by row; NaN = nothing there. */
  values: ArrayLike<number>;
  /** Ends of the colour scale. */
  lo: number;
  hi: number;
}

export interface HeatmapLayout {
  box: Box;
  x: Scale;
  rowPx: number;
  columns: number;
  width: number;
}

const ROW_NAME_PX = 12;

/** Rows × steps or time, the value as colour. */
export const heatmapPainter: Painter<HeatmapModel, HeatmapLayout> = {
  layOut(g, model, { width, height }) {
    const names = Math.max(0, ...model.rows.map((name) => g.measureText(name).width));
    const box = { left: Math.min(90, names + 10), right: width - 10, top: 6, bottom: height - 22 };
    const columns = Math.max(0, model.edges.length - 1);
    const domain: [number, number] = [at(model.edges, 0) || 0, at(model.edges, columns) || 1];
    if (!(domain[0] < domain[1])) domain[1] = domain[0] + 1;
    const rowPx = (box.bottom - box.top) / Math.max(1, model.rows.length);
    return { box, x: createScale(domain, box.left, box.right, false), rowPx, columns, width };
  },
  paintBase(g, model, { box, x, rowPx, width }, theme) {
    if (model.rows.length === 0) return;
    const ticks = xTicks(model.axis, x.domain, false, box.right - box.left);
    const none = { scale: x, ticks: { values: [], labels: [] } };
    drawAxes(g, box, { scale: x, ticks, label: axisLabel(model.axis) }, none, theme, width);
    g.fillStyle = theme.label;
    g.textAlign = "right";
    g.textBaseline = "middle";
    const every = Math.max(1, Math.ceil(ROW_NAME_PX / rowPx));
    model.rows.forEach((name, row) => {
      if (row % every === 0) g.fillText(name, box.left - 6, box.top + (row + 0.5) * rowPx);
    });
  },
  paintMarks(g, model, layout, theme) {
    const { box, x, rowPx, columns } = layout;
    const span = model.hi - model.lo;
    // Rows that can be told apart stand apart.
    const gap = rowPx > 6 ? 1 : 0;
    for (let row = 0; row < model.rows.length; row++) {
      const top = box.top + row * rowPx;
      for (let column = 0; column < columns; column++) {
        const value = at(model.values, row * columns + column);
        if (Number.isNaN(value)) continue;
        const from = x.toPixel(at(model.edges, column));
        const to = x.toPixel(at(model.edges, column + 1));
        g.fillStyle = rampColor(span > 0 ? (value - model.lo) / span : 0.5, theme.name);
        // A hair wider, so that no line of the surface shows between two cells.
        g.fillRect(from, top, to - from + 0.5, rowPx - gap);
      }
    }
  },
  paintMark(g, _model, layout, theme, index) {
    const { box, rowPx, columns } = layout;
    const row = Math.floor(index / Math.max(1, columns));
    g.strokeStyle = theme.ink;
    g.lineWidth = 1.5;
    g.strokeRect(box.left - 0.5, box.top + row * rowPx - 0.5, box.right - box.left + 1, rowPx + 0.5);
  },
  find(model, { box, x, rowPx, columns }, px, py) {
    const row = Math.floor((py - box.top) / rowPx);
    if (px < box.left || px > box.right || row < 0 || row >= model.rows.length || columns === 0) return -1;
    return row * columns + columnAt(model.edges, x.toValue(px));
  },
  place(model, { box, x, rowPx, columns }, index) {
    if (columns === 0 || index < 0) return null;
    const [row, column] = [Math.floor(index / columns), index % columns];
    const middle = (at(model.edges, column) + at(model.edges, column + 1)) / 2;
    return [x.toPixel(middle), box.top + (row + 0.5) * rowPx];
  },
  order(model) {
    return model.ids.map((_, index) => index);
  },
};

/** The column in which a place lies; *edges* rise. */
export function columnAt(edges: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (at(edges, middle) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
