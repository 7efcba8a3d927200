import type { Axis } from "./model";
import type { ChartTheme } from "./palette";
import type { Scale } from "./scale";
import { numberTicks, relativeTicks, type Ticks, wallTicks } from "./ticks";

/** Inner edges of the plot in CSS pixels. */
export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export function xTicks(axis: Axis, domain: readonly [number, number], log: boolean, width: number): Ticks {
  const [low, high] = domain;
  if (axis === "relative" && !log) return relativeTicks(low, high, tickCount(width, 78));
  if (axis === "wall") return wallTicks(low, high, tickCount(width, 84));
  return numberTicks(low, high, tickCount(width, 64), log, null);
}

export function yTicks(
  domain: readonly [number, number],
  log: boolean,
  height: number,
  unit: string | null,
): Ticks {
  return numberTicks(domain[0], domain[1], tickCount(height, 42), log, unit);
}

/** One tick every *each* pixels; in full screen more than a dozen would be a ruler. */
function tickCount(pixels: number, each: number): number {
  return Math.max(2, Math.min(10, Math.round(pixels / each)));
}

/** The name of the x axis, as written under it. */
export function axisLabel(axis: Axis): string {
  if (axis === "step") return "step";
  if (axis === "relative") return "time since start";
  if (axis === "wall") return "wall time";
  return axis.slice("metric:".length);
}

/** Draws grid lines, ticks and labels. */
export function drawAxes(
  g: CanvasRenderingContext2D,
  box: Box,
  x: { scale: Scale; ticks: Ticks; label: string },
  y: { scale: Scale; ticks: Ticks },
  theme: ChartTheme,
  width: number,
): void {
  g.font = theme.font;
  g.fillStyle = theme.label;
  g.lineWidth = 1;
  g.strokeStyle = theme.grid;
  g.textAlign = "right";
  g.textBaseline = "middle";
  g.beginPath();
  y.ticks.values.forEach((value, index) => {
    const py = Math.round(y.scale.toPixel(value)) + 0.5;
    if (!(py >= box.top - 2 && py <= box.bottom + 2)) return;
    g.moveTo(box.left, py);
    g.lineTo(box.right, py);
    g.fillText(y.ticks.labels[index] ?? "", box.left - 6, py);
  });
  g.stroke();

  g.strokeStyle = theme.axis;
  g.textBaseline = "top";
  g.beginPath();
  g.moveTo(box.left, box.bottom + 0.5);
  g.lineTo(box.right, box.bottom + 0.5);
  // The axis label sits at the right end; ticks that would run into it are drawn without text.
  const labelStart = x.label ? box.right - g.measureText(x.label).width - 8 : Number.POSITIVE_INFINITY;
  let previousEnd = Number.NEGATIVE_INFINITY;
  x.ticks.values.forEach((value, index) => {
    const px = Math.round(x.scale.toPixel(value)) + 0.5;
    if (!(px >= box.left - 1 && px <= box.right + 1)) return;
    g.moveTo(px, box.bottom);
    g.lineTo(px, box.bottom + 3);
    const text = x.ticks.labels[index] ?? "";
    const half = g.measureText(text).width / 2;
    const start = Math.min(Math.max(px - half, 2), width - 2 - half * 2);
    if (start < previousEnd + 6 || start + half * 2 > labelStart) return;
    g.textAlign = "left";
    g.fillText(text, start, box.bottom + 7);
    previousEnd = start + half * 2;
  });
  g.stroke();
  if (x.label) {
    g.textAlign = "right";
    g.globalAlpha = 0.85;
    g.fillText(x.label, box.right, box.bottom + 7);
    g.globalAlpha = 1;
  }
}
