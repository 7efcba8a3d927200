import type { Box } from "./axes";
import { at, type Column } from "./columns";
import { traceLine } from "./decimate";
import { visibleSlice } from "./extent";
import { type ChartModel, crowdOf, type Line } from "./model";
import type { Scale } from "./scale";

/** Where and how densely one chart is drawn. */
export interface Surface {
  g: CanvasRenderingContext2D;
  box: Box;
  x: Scale;
  y: Scale;
  pixelRatio: number;
}

/** More lines than this get one device pixel: wider strokes leave Skia's hairline path and cost 3–6 times more. */
const WIDE_LINES = 12;

/** More bands than this are drawn as one hairline per bucket; filling a polygon each costs more than the line. */
export const FILLED_BANDS = 24;

export function lineWidth(count: number, pixelRatio: number): number {
  return count > WIDE_LINES ? Math.max(1, 1.3 / pixelRatio) : 1.5;
}

export function clipToBox(g: CanvasRenderingContext2D, box: Box): void {
  g.beginPath();
  g.rect(box.left, box.top - 3, box.right - box.left, box.bottom - box.top + 4);
  g.clip();
}

export function strokeColumn(
  surface: Surface,
  x: Column,
  y: ArrayLike<number>,
  xRange: readonly [number, number] | null,
): void {
  const { g, box, pixelRatio } = surface;
  const [from, to] = visibleSlice({ x }, xRange);
  const project = { x: surface.x.toPixel, y: surface.y.toPixel };
  g.beginPath();
  traceLine(g, { x, y, from, to }, project, box.right - box.left, pixelRatio);
  g.stroke();
}

export function drawLine(surface: Surface, line: Line, model: ChartModel, width: number): void {
  const { g } = surface;
  g.strokeStyle = line.color;
  g.lineWidth = width;
  g.setLineDash([...line.dash]);
  strokeColumn(surface, line.x, line.y, model.xRange);
  g.setLineDash([]);
  drawDots(surface, line, model);
}

/** Clears a way for a line that is to be seen among many. */
export function drawHalo(surface: Surface, line: Line, model: ChartModel, color: string): void {
  const { g } = surface;
  g.strokeStyle = color;
  g.lineWidth = 5;
  strokeColumn(surface, line.x, line.y, model.xRange);
}

/** A single point has no line through it; it is drawn as a dot. So are sparse points, when few lines share the chart. */
function drawDots(surface: Surface, line: Line, model: ChartModel): void {
  const { g, x, y, box } = surface;
  const n = line.x.length;
  const room = box.right - box.left;
  const sparse =
    crowdOf(model) <= 6 &&
    model.lines.length <= 24 &&
    model.lines.every((other) => other.x.length * 12 <= room);
  if (n !== 1 && !sparse) return;
  g.fillStyle = line.color;
  for (let i = 0; i < n; i++) {
    const py = y.toPixel(at(line.y, i));
    if (Number.isNaN(py)) continue;
    g.beginPath();
    g.arc(x.toPixel(at(line.x, i)), py, 2.25, 0, Math.PI * 2);
    g.fill();
  }
}

/** The values as logged, behind the smoothed line. */
export function drawRaw(surface: Surface, line: Line, model: ChartModel): void {
  if (!line.raw) return;
  const { g } = surface;
  g.strokeStyle = line.color;
  g.lineWidth = 1;
  g.globalAlpha = 0.22;
  strokeColumn(surface, line.x, line.raw, model.xRange);
  g.globalAlpha = 1;
}

export function drawGhost(surface: Surface, line: Line, model: ChartModel): void {
  if (!line.ghost) return;
  const { g } = surface;
  g.strokeStyle = line.color;
  g.lineWidth = 1;
  g.globalAlpha = 0.45;
  g.setLineDash([2, 3]);
  strokeColumn(surface, line.ghost.x, line.ghost.y, model.xRange);
  g.setLineDash([]);
  g.globalAlpha = 1;
}

/** The envelope of one line: lowest to highest of each bucket, or mean ± std. */
export function drawBand(surface: Surface, line: Line, model: ChartModel, alpha: number): void {
  if (!line.lo || !line.hi) return;
  const { g } = surface;
  g.globalAlpha = alpha;
  const [from, to] = visibleSlice(line, model.xRange);
  const width = surface.x.toPixel(at(line.x, to - 1)) - surface.x.toPixel(at(line.x, from));
  // All in one pixel (a short run over wall time) has no area to fill; what it spans is then drawn as a line.
  if (!(width >= 2)) g.globalAlpha = Math.min(1, alpha * 4);
  if (crowdOf(model) > FILLED_BANDS || !(width >= 2)) drawHairlines(surface, line, model);
  else fillBand(surface, line, model);
  g.globalAlpha = 1;
}

function fillBand({ g, x, y, box }: Surface, line: Line, model: ChartModel): void {
  const { lo, hi } = line;
  if (!lo || !hi) return;
  const [from, to] = visibleSlice(line, model.xRange);
  // On a log axis a low ≤ 0 has no place; the band then reaches to the bottom edge.
  const floor = (value: number) => {
    const py = y.toPixel(value);
    return Number.isNaN(py) ? box.bottom : py;
  };
  g.fillStyle = line.color;
  g.beginPath();
  let started = -1;
  const close = (end: number) => {
    for (let i = end; i >= started; i--) g.lineTo(x.toPixel(at(line.x, i)), floor(at(lo, i)));
    g.closePath();
    started = -1;
  };
  for (let i = from; i < to; i++) {
    const py = y.toPixel(at(hi, i));
    if (Number.isNaN(py)) {
      if (started >= 0) close(i - 1);
      continue;
    }
    const px = x.toPixel(at(line.x, i));
    if (started < 0) {
      g.moveTo(px, py);
      started = i;
    } else g.lineTo(px, py);
  }
  if (started >= 0) close(to - 1);
  g.fill();
}

function drawHairlines({ g, x, y, box, pixelRatio }: Surface, line: Line, model: ChartModel): void {
  const { lo, hi } = line;
  if (!lo || !hi) return;
  const [from, to] = visibleSlice(line, model.xRange);
  g.strokeStyle = line.color;
  g.lineWidth = 1 / pixelRatio;
  g.beginPath();
  for (let i = from; i < to; i++) {
    const top = y.toPixel(at(hi, i));
    if (Number.isNaN(top)) continue;
    const low = y.toPixel(at(lo, i));
    const bottom = Number.isNaN(low) ? box.bottom : low;
    if (bottom - top < 1) continue;
    const px = Math.round(x.toPixel(at(line.x, i)) * pixelRatio) / pixelRatio + 0.5 / pixelRatio;
    g.moveTo(px, top);
    g.lineTo(px, bottom);
  }
  g.stroke();
}
