import type { Box } from "./core/axes";
import { at } from "./core/columns";
import type { ChartTheme } from "./core/palette";
import { axisDomain, axisScale, axisTicks, type PlotAxis, shortName } from "./core/plotAxis";
import type { Scale } from "./core/scale";
import type { Painter, PlotModel, PlotSize } from "./plot";

/** From … to, in values of the axis (a category's place is its index). */
export type Brush = readonly [number, number];

export interface ParallelAxis extends PlotAxis {
  /** Names the axis, also where two show the same metric. */
  id: string;
  flipped: boolean;
  brush: Brush | null;
  /** 1 where the run has a value, be it one that has no place on the axis (NaN). */
  present: Uint8Array;
}

export interface ParallelModel extends PlotModel {
  axes: readonly ParallelAxis[];
  /** One per run. */
  colors: readonly string[];
  /** The run that is always shown with its values; -1 = none. */
  best: number;
  /** The value of a run on an axis, as written beside its line. */
  valueText(axis: number, run: number): string;
}

export interface ParallelLayout {
  axes: readonly ParallelAxis[];
  box: Box;
  /** Where each axis stands. */
  x: readonly number[];
  scales: readonly Scale[];
  /** Pixel of run i on axis a at `i * axes + a`. */
  y: Float32Array;
  /** 1 for runs inside all brushes. */
  kept: Uint8Array;
  keptCount: number;
  /** Where runs without a value, and those whose value is NaN, cross an axis; null = there are none. */
  missingY: number | null;
  nanY: number | null;
  pixelRatio: number;
}

const SIDE_PX = 34;
const LANE_PX = 16;
const REACH_PX = 12;
/** More lines than this lie over each other so densely that each must be fainter. */
const MANY = 400;
export const BRUSH_PX = 12;

/** Whether a value is inside a brush. Nothing that has no place on the axis is. */
export function isInside(brush: Brush | null, value: number): boolean {
  return brush === null || (value >= brush[0] && value <= brush[1]);
}

/** Which runs are inside all brushes. */
export function keptRuns(axes: readonly ParallelAxis[], runs: number): Uint8Array {
  const kept = new Uint8Array(runs).fill(1);
  for (const { brush, values } of axes) {
    if (!brush) continue;
    for (let i = 0; i < runs; i++) if (!isInside(brush, at(values, i))) kept[i] = 0;
  }
  return kept;
}

export const parallelPainter: Painter<ParallelModel, ParallelLayout> = {
  layOut(_g, model, size) {
    return layOut(model, size);
  },
  paintBase(g, _model, layout, theme) {
    paintLines(g, layout, 0, () => theme.axis, layout.kept.length > MANY ? 0.25 : 0.5);
  },
  paintMarks(g, model, layout, theme) {
    paintLines(g, layout, 1, (run) => model.colors[run] ?? theme.axis, layout.keptCount > MANY ? 0.55 : 0.8);
    paintAxes(g, model, layout, theme);
    if (model.best >= 0) paintRun(g, model, layout, theme, model.best, theme.accent);
  },
  paintMark(g, model, layout, theme, index) {
    // The marks below are dimmed; what they are read by is not.
    paintAxes(g, model, layout, theme);
    if (model.best >= 0 && model.best !== index) paintRun(g, model, layout, theme, model.best, theme.accent);
    paintRun(g, model, layout, theme, index, model.colors[index] ?? theme.accent);
  },
  find(model, layout, px, py) {
    return find(model, layout, px, py);
  },
  place(model, layout, index) {
    if (model.axes.length === 0 || layout.kept[index] !== 1) return null;
    const middle = model.axes.length >> 1;
    return [at(layout.x, middle), at(layout.y, index * model.axes.length + middle)];
  },
  order(model) {
    const kept = keptRuns(model.axes, model.ids.length);
    const last = model.axes.at(-1)?.values ?? new Float64Array();
    return model.ids
      .map((_, index) => index)
      .filter((index) => kept[index] === 1)
      .sort((a, b) => at(last, a) - at(last, b));
  },
};

function layOut(model: ParallelModel, size: PlotSize): ParallelLayout {
  const { axes, ids } = model;
  const count = axes.length;
  const lacks = (nan: boolean) =>
    axes.some(({ values, present }) =>
      values.some((value, i) => Number.isNaN(value) && (present[i] === 1) === nan),
    );
  const [hasMissing, hasNan] = [lacks(false), lacks(true)];
  const lanes = Number(hasMissing) + Number(hasNan);
  const box: Box = {
    left: SIDE_PX,
    right: size.width - SIDE_PX,
    top: 10,
    bottom: size.height - 8 - lanes * LANE_PX,
  };
  const nanY = hasNan ? box.bottom + LANE_PX - 4 : null;
  const missingY = hasMissing ? box.bottom + lanes * LANE_PX - 4 : null;
  const x = axes.map((_, i) =>
    count === 1 ? (box.left + box.right) / 2 : box.left + ((box.right - box.left) * i) / (count - 1),
  );
  const scales = axes.map((axis) => {
    const domain = axisDomain(axis, 0.03);
    return axis.flipped
      ? axisScale(axis, domain, box.top, box.bottom)
      : axisScale(axis, domain, box.bottom, box.top);
  });
  const y = new Float32Array(ids.length * count);
  axes.forEach(({ values, present }, a) => {
    const scale = scales[a];
    if (!scale) return;
    for (let i = 0; i < ids.length; i++) {
      const value = at(values, i);
      const lane = present[i] === 1 ? nanY : missingY;
      y[i * count + a] = Number.isNaN(value) ? (lane ?? Number.NaN) : scale.toPixel(value);
    }
  });
  const kept = keptRuns(axes, ids.length);
  return {
    axes,
    box,
    x,
    scales,
    y,
    kept,
    keptCount: kept.reduce((sum, one) => sum + one, 0),
    missingY,
    nanY,
    pixelRatio: size.pixelRatio,
  };
}

/** One path per colour, one device pixel wide: wider strokes leave Skia's hairline path and cost thirty times more. */
function paintLines(
  g: CanvasRenderingContext2D,
  layout: ParallelLayout,
  which: 0 | 1,
  colorOf: (run: number) => string,
  alpha: number,
): void {
  const { x, y, kept, pixelRatio } = layout;
  const count = x.length;
  if (count < 2) return;
  const byColor = new Map<string, number[]>();
  for (let i = 0; i < kept.length; i++) {
    if (kept[i] !== which) continue;
    const color = colorOf(i);
    const members = byColor.get(color);
    if (members) members.push(i);
    else byColor.set(color, [i]);
  }
  g.lineWidth = kept.length > 60 ? 1 / pixelRatio : 1.4;
  g.globalAlpha = alpha;
  g.lineJoin = "bevel";
  for (const [color, members] of byColor) {
    g.strokeStyle = color;
    g.beginPath();
    for (const run of members) {
      const start = run * count;
      g.moveTo(at(x, 0), at(y, start));
      for (let a = 1; a < count; a++) g.lineTo(at(x, a), at(y, start + a));
    }
    g.stroke();
  }
  g.globalAlpha = 1;
}

function paintAxes(
  g: CanvasRenderingContext2D,
  model: ParallelModel,
  layout: ParallelLayout,
  theme: ChartTheme,
): void {
  const { box, x, scales, missingY, nanY } = layout;
  const ticks = Math.max(2, Math.min(8, Math.round((box.bottom - box.top) / 40)));
  const room = x.length > 1 ? at(x, 1) - at(x, 0) : box.right - box.left;
  const letters = Math.max(4, Math.min(18, Math.floor(room / 8)));
  g.font = theme.font;
  g.textBaseline = "middle";
  g.lineJoin = "round";
  model.axes.forEach((axis, a) => {
    const px = Math.round(at(x, a)) + 0.5;
    const scale = scales[a];
    if (!scale) return;
    g.strokeStyle = theme.cross;
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(px, box.top);
    g.lineTo(px, box.bottom);
    g.stroke();
    const last = a === model.axes.length - 1 && a > 0;
    const { values, labels } = axisTicks(axis, scale.domain, axis.kind === "category" ? 12 : ticks);
    values.forEach((value, i) => {
      const py = scale.toPixel(value);
      if (!(py >= box.top - 1 && py <= box.bottom + 1)) return;
      g.beginPath();
      g.moveTo(px - 3, py);
      g.lineTo(px + 3, py);
      g.stroke();
      write(g, shortName(labels[i] ?? "", letters), px + (last ? -6 : 6), py, last, theme);
    });
    if (axis.brush) paintBrush(g, axis.brush, scale, px, box, theme);
  });
  if (nanY !== null) write(g, "NaN", 2, nanY, false, theme);
  if (missingY !== null) write(g, "none", 2, missingY, false, theme);
}

function paintBrush(
  g: CanvasRenderingContext2D,
  brush: Brush,
  scale: Scale,
  px: number,
  box: Box,
  theme: ChartTheme,
): void {
  const ends = brush.map((value) => scale.toPixel(value));
  const clamp = (value: number) => Math.max(box.top - 4, Math.min(box.bottom + 4, value));
  const top = clamp(Math.min(...ends));
  const bottom = clamp(Math.max(...ends));
  g.fillStyle = theme.accent;
  g.globalAlpha = 0.22;
  g.fillRect(px - BRUSH_PX / 2, top, BRUSH_PX, bottom - top);
  g.globalAlpha = 1;
  g.strokeStyle = theme.accent;
  g.lineWidth = 1.25;
  g.strokeRect(px - BRUSH_PX / 2, top, BRUSH_PX, bottom - top);
}

/** Text with a rim of the surface's colour, so that lines behind it do not cross the letters. */
function write(
  g: CanvasRenderingContext2D,
  text: string,
  px: number,
  py: number,
  toTheLeft: boolean,
  theme: ChartTheme,
  color = theme.label,
): void {
  g.textAlign = toTheLeft ? "right" : "left";
  g.strokeStyle = theme.surface;
  g.lineWidth = 3.5;
  g.strokeText(text, px, py);
  g.fillStyle = color;
  g.fillText(text, px, py);
  g.strokeStyle = theme.cross;
  g.lineWidth = 1;
}

function paintRun(
  g: CanvasRenderingContext2D,
  model: ParallelModel,
  { x, y }: ParallelLayout,
  theme: ChartTheme,
  run: number,
  color: string,
): void {
  const count = x.length;
  const line = () => {
    g.beginPath();
    for (let a = 0; a < count; a++) g.lineTo(at(x, a), at(y, run * count + a));
    g.stroke();
  };
  g.lineJoin = "round";
  g.strokeStyle = theme.surface;
  g.lineWidth = 5;
  line();
  g.strokeStyle = color;
  g.lineWidth = 2.25;
  line();
  g.font = theme.font;
  g.textBaseline = "middle";
  const room = count > 1 ? at(x, 1) - at(x, 0) : 200;
  const letters = Math.max(4, Math.min(18, Math.floor(room / 8)));
  for (let a = 0; a < count; a++) {
    const [px, py] = [at(x, a), at(y, run * count + a)];
    g.fillStyle = color;
    g.strokeStyle = theme.surface;
    g.lineWidth = 1.5;
    g.beginPath();
    g.arc(px, py, 3.5, 0, Math.PI * 2);
    g.fill();
    g.stroke();
    const last = a === count - 1 && a > 0;
    paintTag(g, shortName(model.valueText(a, run), letters), px, py, last, theme, color);
  }
}

/** A value beside a point, on a plate. */
function paintTag(
  g: CanvasRenderingContext2D,
  text: string,
  px: number,
  py: number,
  toTheLeft: boolean,
  theme: ChartTheme,
  color: string,
): void {
  const width = g.measureText(text).width + 8;
  const left = toTheLeft ? px - 8 - width : px + 8;
  g.fillStyle = theme.surface;
  g.strokeStyle = color;
  g.lineWidth = 1;
  g.beginPath();
  g.rect(Math.round(left) + 0.5, Math.round(py - 8) + 0.5, Math.round(width), 16);
  g.fill();
  g.stroke();
  g.fillStyle = theme.label;
  g.textAlign = "left";
  g.fillText(text, left + 4, py + 0.5);
}

function find(model: ParallelModel, { x, y, kept }: ParallelLayout, px: number, py: number): number {
  const count = x.length;
  if (count < 2 || px < at(x, 0) - REACH_PX || px > at(x, count - 1) + REACH_PX) return -1;
  let right = 1;
  while (right < count - 1 && px > at(x, right)) right++;
  const [from, to] = [at(x, right - 1), at(x, right)];
  const share = Math.max(0, Math.min(1, (px - from) / (to - from)));
  let nearest = -1;
  let distance = REACH_PX;
  for (let i = 0; i < model.ids.length; i++) {
    if (kept[i] !== 1) continue;
    const start = at(y, i * count + right - 1);
    const gap = Math.abs(start + (at(y, i * count + right) - start) * share - py);
    if (gap < distance) {
      distance = gap;
      nearest = i;
    }
  }
  return nearest;
}
