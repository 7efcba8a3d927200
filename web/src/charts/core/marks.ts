import type { Box } from "./axes";
import { at } from "./columns";
import { type Ending, type Line, NONFINITE } from "./model";
import type { ChartTheme } from "./palette";
import type { Scale } from "./scale";

/** Marks NaN (a cross at the bottom) and ±Inf (a triangle at the edge it left through). */
export function drawNonfinite(g: CanvasRenderingContext2D, line: Line, box: Box, x: Scale): void {
  if (!line.nonfinite) return;
  g.fillStyle = line.color;
  g.strokeStyle = line.color;
  g.lineWidth = 1.25;
  let previous = Number.NEGATIVE_INFINITY;
  let previousKind = 0;
  for (let i = 0; i < line.nonfinite.x.length; i++) {
    const px = Math.round(x.toPixel(at(line.nonfinite.x, i)));
    const kind = at(line.nonfinite.kind, i);
    // A run that went NaN for good has thousands of them: one mark every few pixels says the same.
    if (!(px >= box.left && px <= box.right) || (px - previous < 5 && kind === previousKind)) continue;
    previous = px;
    previousKind = kind;
    g.beginPath();
    if (kind === NONFINITE.nan) {
      g.moveTo(px - 2.5, box.bottom - 6.5);
      g.lineTo(px + 2.5, box.bottom - 1.5);
      g.moveTo(px + 2.5, box.bottom - 6.5);
      g.lineTo(px - 2.5, box.bottom - 1.5);
      g.stroke();
      continue;
    }
    const up = kind === NONFINITE.positive;
    const tip = up ? box.top - 2 : box.bottom;
    const foot = up ? box.top + 4 : box.bottom - 6;
    g.moveTo(px, tip);
    g.lineTo(px - 3.5, foot);
    g.lineTo(px + 3.5, foot);
    g.fill();
  }
}

/** Marks where a line stops and why; shapes differ, so that colour is not needed to read them. */
export function drawEnding(
  g: CanvasRenderingContext2D,
  ending: Ending,
  px: number,
  py: number,
  color: string,
  theme: ChartTheme,
): void {
  g.lineWidth = 1.5;
  g.beginPath();
  if (ending === "running") {
    g.fillStyle = color;
    g.globalAlpha = 0.25;
    g.arc(px, py, 5.5, 0, Math.PI * 2);
    g.fill();
    g.globalAlpha = 1;
    g.beginPath();
    g.arc(px, py, 2.75, 0, Math.PI * 2);
    g.fill();
    return;
  }
  const size = 4;
  const diamond = ending === "failed" || ending === "crashed";
  if (diamond) {
    g.moveTo(px, py - size);
    g.lineTo(px + size, py);
    g.lineTo(px, py + size);
    g.lineTo(px - size, py);
    g.closePath();
  } else g.rect(px - 3, py - 3, 6, 6);
  const hollow = ending === "crashed" || ending === "preempted";
  const paint = ending === "failed" || ending === "crashed" ? theme.bad : theme.warn;
  g.fillStyle = hollow ? theme.surface : paint;
  g.strokeStyle = hollow ? paint : theme.surface;
  g.fill();
  g.stroke();
}
