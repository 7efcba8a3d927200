// A drawing as TikZ: LaTeX sets its text, in the document's own font.

import type { Drawing, PathMark, Rgba, Step, TextMark } from "./drawing";
import { type Paper, POINTS_PER_MM, short } from "./figure";
import { latexText } from "./tikz";

const ANCHORS = { left: "base west", center: "base", right: "base east" } as const;

/** The picture for `\input` into a document that loads tikz. */
export function drawingTikz(drawing: Drawing, paper: Paper, title: string): string {
  const scale = (paper.width_mm * POINTS_PER_MM) / drawing.width;
  const colors = new Map<string, string>();
  const colorOf = (color: Rgba) => {
    const rgb = color.slice(0, 3).map((part) => Math.round(part * 255));
    const name = rgb.join(",");
    if (!colors.has(name)) colors.set(name, `tr${colors.size}`);
    return colors.get(name) ?? "black";
  };
  const body = drawing.marks.map((mark) =>
    mark.kind === "text" ? textOf(mark, colorOf, paper, scale) : pathOf(mark, colorOf, scale),
  );
  return [
    `% ${title.replaceAll(/[\r\n]+/g, " ")}`,
    "% Needs \\usepackage{tikz}",
    ...[...colors].map(([rgb, name]) => `\\definecolor{${name}}{RGB}{${rgb}}`),
    `\\begin{tikzpicture}[x=${short(scale)}bp,y=-${short(scale)}bp]`,
    `\\useasboundingbox (0,0) rectangle (${short(drawing.width)},${short(drawing.height)});`,
    ...body,
    "\\end{tikzpicture}",
    "",
  ].join("\n");
}

function pathOf(mark: PathMark, colorOf: (color: Rgba) => string, scale: number): string {
  const color = mark.fill ?? mark.stroke ?? [0, 0, 0, 1];
  const options = [mark.fill ? `fill=${colorOf(color)}` : `draw=${colorOf(color)}`];
  if (color[3] < 1) options.push(`opacity=${short(color[3])}`);
  if (!mark.fill) {
    options.push(`line width=${short(mark.width * scale)}bp`);
    if (mark.round) options.push("line cap=round", "line join=round");
    if (mark.dash.length > 0) {
      const dash = mark.dash.map((length, i) => `${i % 2 ? "off" : "on"} ${short(length * scale)}bp`);
      options.push(`dash pattern=${dash.join(" ")}`);
    }
  }
  const path = `\\path[${options.join(",")}] ${steps(mark.path)};`;
  return mark.clip ? `\\begin{scope}\\clip ${steps(mark.clip)};${path}\\end{scope}` : path;
}

function steps(path: readonly Step[]): string {
  return path
    .map((step) => {
      switch (step[0]) {
        case "M":
          return place(step[1], step[2]);
        case "L":
          return `-- ${place(step[1], step[2])}`;
        case "C":
          return `.. controls ${place(step[1], step[2])} and ${place(step[3], step[4])} .. ${place(step[5], step[6])}`;
        default:
          return "-- cycle";
      }
    })
    .join(" ");
}

function place(x: number, y: number): string {
  return `(${short(Math.round(x * 100) / 100)},${short(Math.round(y * 100) / 100)})`;
}

function textOf(mark: TextMark, colorOf: (color: Rgba) => string, paper: Paper, scale: number): string {
  // Sizes of the page become those of the paper: the usual one is the size asked for.
  const size = Math.max(1, mark.size * scale);
  const options = [`anchor=${ANCHORS[mark.align]}`, "inner sep=0pt", `text=${colorOf(mark.color)}`];
  if (mark.color[3] < 1) options.push(`text opacity=${short(mark.color[3])}`);
  if (mark.turn !== 0) options.push(`rotate=${short(-mark.turn)}`);
  const shown = Math.abs(size - paper.font_pt) < 0.05 ? paper.font_pt : size;
  options.push(
    `font=\\fontsize{${short(shown)}}{${short(shown * 1.2)}}\\selectfont${mark.bold ? "\\bfseries" : ""}`,
  );
  return `\\node[${options.join(",")}] at ${place(mark.x, mark.y)} {${latexText(mark.text)}};`;
}
