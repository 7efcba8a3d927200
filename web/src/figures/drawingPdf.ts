// A drawing as a PDF of one page.

import type { Drawing, PathMark, Rgba, Step } from "./drawing";
import { type Paper, POINTS_PER_MM } from "./figure";
import { assemble, fixed, Page } from "./pdfFile";

/** The bytes of the PDF; the drawing fills the paper's width. */
export function drawingPdf(drawing: Drawing, paper: Paper, title: string): Uint8Array<ArrayBuffer> {
  const width = paper.width_mm * POINTS_PER_MM;
  const scale = width / drawing.width;
  const height = drawing.height * scale;
  const page = new Page();
  const states = new Map<string, number>();
  const alpha = ([, , , a]: Rgba) => {
    const name = `A${Math.round(a * 100)}`;
    states.set(name, Math.round(a * 100) / 100);
    page.put(`/${name} gs`);
  };
  // Pixels count down from the upper left corner, points up from the lower left one.
  const place = (x: number, y: number) => `${fixed(x * scale)} ${fixed(height - y * scale)}`;
  for (const mark of drawing.marks) {
    if (mark.kind === "path") {
      putPath(page, mark, place, scale, alpha);
      continue;
    }
    alpha(mark.color);
    page.put(`${rgb(mark.color)} rg`);
    const [x, y] = [mark.x * scale, height - mark.y * scale];
    page.text(mark.text, x, y, mark.size * scale, mark.align, (-mark.turn * Math.PI) / 180, mark.bold);
  }
  return assemble(page.toString(), width, height, title, Object.fromEntries(states));
}

type Place = (x: number, y: number) => string;

function putPath(
  page: Page,
  mark: PathMark,
  place: Place,
  scale: number,
  alpha: (color: Rgba) => void,
): void {
  page.put("q");
  if (mark.clip) page.put(`${steps(mark.clip, place)} W n`);
  const color = mark.fill ?? mark.stroke ?? [0, 0, 0, 1];
  alpha(color);
  if (mark.fill) page.put(`${rgb(color)} rg`);
  else {
    const cap = mark.round ? 1 : 0;
    const dash = mark.dash.map((length) => fixed(length * scale)).join(" ");
    page.put(`${rgb(color)} RG ${fixed(mark.width * scale)} w ${cap} J ${cap} j [${dash}] 0 d`);
  }
  page.put(`${steps(mark.path, place)} ${mark.fill ? "f" : "S"}`);
  page.put("Q");
}

function steps(path: readonly Step[], place: Place): string {
  return path
    .map((step) => {
      switch (step[0]) {
        case "M":
          return `${place(step[1], step[2])} m`;
        case "L":
          return `${place(step[1], step[2])} l`;
        case "C":
          return `${place(step[1], step[2])} ${place(step[3], step[4])} ${place(step[5], step[6])} c`;
        default:
          return "h";
      }
    })
    .join(" ");
}

function rgb([r, g, b]: Rgba): string {
  return [r, g, b].map((part) => fixed(part)).join(" ");
}
