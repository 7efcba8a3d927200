import type { ChartTheme } from "./core/palette";
import type { Painter } from "./plot";
import { type ScatterLayout, type ScatterModel, scatterPainter } from "./scatter";

/** Where the level of a figure became another. */
export interface TimelineChange {
  /** Unix seconds: halfway between the last run of the old level and the first of the new one. */
  x: number;
  before: number;
  after: number;
  /** What came with it, e.g. "commit 3f2a91c"; "" = not known. */
  label: string;
  /** Up to where the new level holds. */
  until: number;
  /** Since when the old level held. */
  since: number;
}

export interface TimelineModel extends ScatterModel {
  changes: readonly TimelineChange[];
}

/** Runs over the time at which they started, with the places where their level changed. */
export const timelinePainter: Painter<TimelineModel, ScatterLayout> = {
  ...scatterPainter,
  paintMarks(g, model, layout, theme) {
    paintLevels(g, model, layout, theme);
    scatterPainter.paintMarks(g, model, layout, theme);
    paintChanges(g, model, layout, theme);
  },
};

function paintLevels(
  g: CanvasRenderingContext2D,
  model: TimelineModel,
  { x, y }: ScatterLayout,
  theme: ChartTheme,
): void {
  g.strokeStyle = theme.cross;
  g.lineWidth = 1.5;
  g.setLineDash([5, 4]);
  g.beginPath();
  for (const { since, until, before, after, x: at } of model.changes) {
    for (const [from, to, level] of [
      [since, at, before],
      [at, until, after],
    ] as const) {
      const py = y.toPixel(level);
      if (Number.isNaN(py)) continue;
      g.moveTo(x.toPixel(from), py);
      g.lineTo(x.toPixel(to), py);
    }
  }
  g.stroke();
  g.setLineDash([]);
}

function paintChanges(
  g: CanvasRenderingContext2D,
  model: TimelineModel,
  { x, box }: ScatterLayout,
  theme: ChartTheme,
): void {
  g.font = theme.font;
  g.textBaseline = "top";
  let end = Number.NEGATIVE_INFINITY;
  let row = 0;
  for (const { x: at, label } of model.changes) {
    const px = Math.round(x.toPixel(at)) + 0.5;
    g.strokeStyle = theme.warn;
    g.lineWidth = 1.25;
    g.beginPath();
    g.moveTo(px, box.top);
    g.lineTo(px, box.bottom);
    g.stroke();
    g.fillStyle = theme.warn;
    g.beginPath();
    g.moveTo(px - 4, box.top - 5);
    g.lineTo(px + 4, box.top - 5);
    g.lineTo(px, box.top + 1);
    g.fill();
    if (!label) continue;
    const width = g.measureText(label).width;
    const toTheLeft = px + 6 + width > box.right;
    const left = toTheLeft ? px - 6 - width : px + 6;
    // Names of changes close to each other stand below each other.
    row = left < end + 8 ? row + 1 : 0;
    end = left + width;
    g.textAlign = "left";
    g.strokeStyle = theme.surface;
    g.lineWidth = 3.5;
    g.strokeText(label, left, box.top + 2 + row * 14);
    g.fillText(label, left, box.top + 2 + row * 14);
  }
}
