import { type Box, drawAxes } from "./core/axes";
import { at } from "./core/columns";
import type { ChartTheme } from "./core/palette";
import { axisDomain, axisScale, axisTicks, type PlotAxis } from "./core/plotAxis";
import type { Scale } from "./core/scale";
import type { Painter, PlotModel, PlotSize } from "./plot";

export interface ScatterModel extends PlotModel {
  x: PlotAxis;
  y: PlotAxis;
  /** One per run. */
  colors: readonly string[];
  /** Radii in CSS pixels; null = all alike. */
  radii: Float32Array | null;
  /** Indices of the points on the Pareto front or of "best so far", by x; empty = no line. */
  front: readonly number[];
  /** "line" joins the front by straight lines, "steps" as what has been reached so far. */
  frontShape: "line" | "steps";
}

export interface ScatterLayout {
  box: Box;
  x: Scale;
  y: Scale;
  width: number;
}

const RADIUS = 3.5;
/** More points than this are smaller, so that a cloud has a shape. */
const MANY = 600;
const REACH_PX = 14;

export const scatterPainter: Painter<ScatterModel, ScatterLayout> = {
  layOut(g, model, size) {
    const box = plotBox(g, model.y, size);
    return {
      box,
      x: axisScale(model.x, axisDomain(model.x), box.left, box.right),
      y: axisScale(model.y, axisDomain(model.y), box.bottom, box.top),
      width: size.width,
    };
  },
  paintBase(g, model, { box, x, y, width }, theme) {
    if (model.ids.length === 0) return;
    paintAxes(g, box, { axis: model.x, scale: x }, { axis: model.y, scale: y }, theme, width);
  },
  paintMarks(g, model, layout, theme) {
    const { x, y } = layout;
    const byColor = new Map<string, number[]>();
    model.colors.forEach((color, index) => {
      const members = byColor.get(color);
      if (members) members.push(index);
      else byColor.set(color, [index]);
    });
    g.globalAlpha = model.ids.length > MANY ? 0.6 : 0.82;
    for (const [color, members] of byColor) {
      // One path per colour: a fill per point costs ten times as much.
      g.fillStyle = color;
      g.beginPath();
      for (const index of members) {
        const [px, py] = [x.toPixel(at(model.x.values, index)), y.toPixel(at(model.y.values, index))];
        if (Number.isNaN(px + py)) continue;
        const radius = radiusOf(model, index);
        g.moveTo(px + radius, py);
        g.arc(px, py, radius, 0, Math.PI * 2);
      }
      g.fill();
    }
    g.globalAlpha = 1;
    paintFront(g, model, layout, theme);
  },
  paintMark(g, model, { x, y, box }, theme, index) {
    const [px, py] = [x.toPixel(at(model.x.values, index)), y.toPixel(at(model.y.values, index))];
    g.strokeStyle = theme.cross;
    g.lineWidth = 1;
    g.setLineDash([3, 3]);
    g.beginPath();
    g.moveTo(box.left, Math.round(py) + 0.5);
    g.lineTo(px, Math.round(py) + 0.5);
    g.moveTo(Math.round(px) + 0.5, py);
    g.lineTo(Math.round(px) + 0.5, box.bottom);
    g.stroke();
    g.setLineDash([]);
    g.fillStyle = model.colors[index] ?? theme.accent;
    g.strokeStyle = theme.surface;
    g.lineWidth = 2;
    g.beginPath();
    g.arc(px, py, radiusOf(model, index) + 2, 0, Math.PI * 2);
    g.stroke();
    g.fill();
  },
  find(model, { x, y }, px, py) {
    let nearest = -1;
    let distance = REACH_PX ** 2;
    for (let index = 0; index < model.ids.length; index++) {
      const dx = x.toPixel(at(model.x.values, index)) - px;
      const dy = y.toPixel(at(model.y.values, index)) - py;
      const here = dx * dx + dy * dy;
      if (here < distance) {
        distance = here;
        nearest = index;
      }
    }
    return nearest;
  },
  place(model, { x, y }, index) {
    const [px, py] = [x.toPixel(at(model.x.values, index)), y.toPixel(at(model.y.values, index))];
    return Number.isNaN(px + py) ? null : [px, py];
  },
  order(model) {
    const all = model.ids.map((_, index) => index);
    return all
      .filter((index) => !Number.isNaN(at(model.x.values, index) + at(model.y.values, index)))
      .sort((a, b) => at(model.x.values, a) - at(model.x.values, b));
  },
};

function radiusOf(model: ScatterModel, index: number): number {
  return model.radii ? at(model.radii, index) : model.ids.length > MANY ? 2.25 : RADIUS;
}

function paintFront(
  g: CanvasRenderingContext2D,
  model: ScatterModel,
  { x, y, box }: ScatterLayout,
  theme: ChartTheme,
): void {
  if (model.front.length === 0) return;
  g.strokeStyle = theme.accent;
  g.lineWidth = 1.75;
  g.lineJoin = "round";
  g.beginPath();
  let last = Number.NaN;
  model.front.forEach((index, i) => {
    const [px, py] = [x.toPixel(at(model.x.values, index)), y.toPixel(at(model.y.values, index))];
    if (i === 0) g.moveTo(px, py);
    else {
      if (model.frontShape === "steps") g.lineTo(px, last);
      g.lineTo(px, py);
    }
    last = py;
  });
  // What has been reached stays reached.
  if (model.frontShape === "steps") g.lineTo(box.right, last);
  g.stroke();
  g.fillStyle = theme.surface;
  for (const index of model.front) {
    g.beginPath();
    g.arc(
      x.toPixel(at(model.x.values, index)),
      y.toPixel(at(model.y.values, index)),
      radiusOf(model, index) + 0.5,
      0,
      Math.PI * 2,
    );
    g.fill();
    g.stroke();
  }
}

/** Room for the labels of y at the left, its name above and the ticks of x below. */
export function plotBox(g: CanvasRenderingContext2D, y: PlotAxis, size: PlotSize): Box {
  const [top, bottom] = [20, size.height - 22];
  const ticks = axisTicks(y, axisDomain(y), Math.max(2, Math.round((bottom - top) / 42)));
  const widest = Math.max(0, ...ticks.labels.map((label) => g.measureText(label).width));
  const left = Math.max(28, Math.min(size.width * 0.35, Math.ceil(widest) + 12));
  return { left, right: Math.max(left + 1, size.width - 12), top, bottom };
}

/** Axes with both names: that of x at its right end, that of y above it. */
export function paintAxes(
  g: CanvasRenderingContext2D,
  box: Box,
  x: { axis: PlotAxis; scale: Scale },
  y: { axis: PlotAxis; scale: Scale },
  theme: ChartTheme,
  width: number,
): void {
  const xCount = Math.max(2, Math.min(10, Math.round((box.right - box.left) / 70)));
  const yCount = Math.max(2, Math.min(10, Math.round((box.bottom - box.top) / 42)));
  drawAxes(
    g,
    box,
    { scale: x.scale, ticks: axisTicks(x.axis, x.scale.domain, xCount), label: x.axis.label },
    { scale: y.scale, ticks: axisTicks(y.axis, y.scale.domain, yCount) },
    theme,
    width,
  );
  g.textAlign = "left";
  g.textBaseline = "top";
  g.globalAlpha = 0.85;
  g.fillText(y.axis.label, 4, 2);
  g.globalAlpha = 1;
}
