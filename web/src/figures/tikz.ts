// A figure for LaTeX: pgfplots draws it with the document's own fonts.

import { type Figure, type FigureLine, isDrawn, type Paper, short } from "./figure";

const SPECIAL: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  _: "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
};

/** Text that LaTeX prints as it is. */
export function latexText(text: string): string {
  return text.replaceAll(/[\\{}$&#%_^~]/g, (sign) => SPECIAL[sign] ?? sign).replaceAll(/\s+/g, " ");
}

/** A `tikzpicture`; `\usepackage{pgfplots}` and its library fillbetween are named at its top. */
export function tikz(figure: Figure, paper: Paper): string {
  const size = `\\fontsize{${paper.font_pt}}{${short(paper.font_pt * 1.2)}}\\selectfont`;
  const options = [
    `width=${paper.width_mm}mm, height=${paper.height_mm}mm, scale only axis=false`,
    `font=${size}, tick label style={font=${size}}, label style={font=${size}}`,
    `xlabel={${latexText(figure.xLabel)}}, ylabel={${latexText(figure.yLabel)}}`,
    `xmode=${figure.xLog ? "log" : "linear"}, ymode=${figure.yLog ? "log" : "linear"}`,
    `xmin=${short(figure.xRange[0])}, xmax=${short(figure.xRange[1])}`,
    `ymin=${short(figure.yRange[0])}, ymax=${short(figure.yRange[1])}`,
    "unbounded coords=jump, axis lines=left, grid=major, grid style={black!8}, scaled ticks=false",
    `legend style={draw=none, fill=none, font=${size}}, legend cell align=left`,
  ];
  return `${[
    "% \\usepackage{pgfplots} \\pgfplotsset{compat=1.18} \\usepgfplotslibrary{fillbetween}",
    ...figure.lines.map((line, n) => `\\definecolor{run${n}}{HTML}{${line.color.slice(1).toUpperCase()}}`),
    "\\begin{tikzpicture}",
    `\\begin{axis}[\n  ${options.join(",\n  ")}\n]`,
    ...figure.lines.flatMap((line, n) => plot(figure, paper, line, n)),
    "\\end{axis}",
    "\\end{tikzpicture}",
  ].join("\n")}\n`;
}

function plot(figure: Figure, paper: Paper, line: FigureLine, n: number): string[] {
  const parts: string[] = [];
  if (line.low && line.high) {
    const { low, high } = line;
    parts.push(
      `\\addplot[draw=none, forget plot, name path=low${n}] coordinates {${points(figure, line.x, low)}};`,
      `\\addplot[draw=none, forget plot, name path=high${n}] coordinates {${points(figure, line.x, high)}};`,
      `\\addplot[run${n}, fill opacity=0.18, forget plot] fill between[of=low${n} and high${n}];`,
    );
  }
  const dash = line.dash.length > 0 ? `, dash pattern=${dashes(line.dash)}` : "";
  const named = paper.legend && !line.faint;
  const faint = line.faint ? ", opacity=0.3" : "";
  parts.push(
    `\\addplot[run${n}, line width=0.6pt${dash}${faint}${named ? "" : ", forget plot"}] coordinates {${points(figure, line.x, line.y)}};`,
  );
  if (named) parts.push(`\\addlegendentry{${latexText(line.label)}}`);
  return parts;
}

function points(figure: Figure, x: readonly number[], y: readonly number[]): string {
  return x
    .map((value, i) => {
      const height = y[i] ?? Number.NaN;
      if (!Number.isFinite(value)) return "";
      return `(${short(value)},${isDrawn(figure, value, height) ? short(height) : "nan"})`;
    })
    .filter(Boolean)
    .join(" ");
}

function dashes(pattern: readonly number[]): string {
  return pattern.map((length, i) => `${i % 2 ? "off" : "on"} ${short(length * 0.75)}pt`).join(" ");
}
