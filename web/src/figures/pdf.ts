// A figure as a PDF of one page: vectors, and text in Helvetica, which every reader of PDF brings along (PDF 1.4).

import { numberTicks, relativeTicks, type Ticks, wallTicks } from "@/charts/core/ticks";
import { type Figure, type FigureLine, isDrawn, type Paper, short } from "./figure";

const POINTS_PER_MM = 72 / 25.4;

/** Widths of Helvetica's characters from space to tilde, in thousandths of the font size (Adobe's metrics). */
const WIDTHS = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
  556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
  500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
  556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
  278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/** Signs outside of Latin-1 that WinAnsiEncoding has, and what stands in for some that it lacks. */
const SIGNS: Readonly<Record<string, number>> = {
  "…": 0x85,
  "‘": 0x91,
  "’": 0x92,
  "“": 0x93,
  "”": 0x94,
  "•": 0x95,
  "–": 0x96,
  "—": 0x97,
  "−": 0x2d,
  "€": 0x80,
};

/** The bytes of *text* in WinAnsiEncoding; what it has no sign for is a question mark. */
function encode(text: string): number[] {
  return [...text].map((sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return (SIGNS[sign] ?? ((code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff)))
      ? (SIGNS[sign] ?? code)
      : 0x3f;
  });
}

function widthOf(text: string, size: number): number {
  return (encode(text).reduce((sum, code) => sum + (WIDTHS[code - 0x20] ?? 556), 0) * size) / 1000;
}

/** Drawing operators, collected. */
class Page {
  private readonly parts: string[] = [];

  put(operators: string): void {
    this.parts.push(operators);
  }

  color(hex: string, operator: "RG" | "rg"): void {
    const parts = [1, 3, 5].map((at) => short(Number.parseInt(hex.slice(at, at + 2), 16) / 255));
    this.put(`${parts.join(" ")} ${operator}`);
  }

  path(points: readonly (readonly [number, number])[]): void {
    points.forEach(([x, y], i) => {
      this.put(`${fixed(x)} ${fixed(y)} ${i === 0 ? "m" : "l"}`);
    });
  }

  text(
    text: string,
    x: number,
    y: number,
    size: number,
    align: "left" | "center" | "right",
    turned = false,
  ): void {
    const shift = { left: 0, center: 0.5, right: 1 }[align] * widthOf(text, size);
    const codes = encode(text).map((code) => code.toString(16).padStart(2, "0"));
    const matrix = turned
      ? `0 1 -1 0 ${fixed(x)} ${fixed(y - shift)}`
      : `1 0 0 1 ${fixed(x - shift)} ${fixed(y)}`;
    this.put(`BT /F1 ${short(size)} Tf ${matrix} Tm <${codes.join("")}> Tj ET`);
  }

  toString(): string {
    return this.parts.join("\n");
  }
}

function fixed(value: number): string {
  return short(Math.round(value * 100) / 100);
}

/** Where values stand on the page, in points from its lower left corner. */
interface Box {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

/** The bytes of the PDF. */
export function pdf(figure: Figure, paper: Paper): Uint8Array<ArrayBuffer> {
  const width = paper.width_mm * POINTS_PER_MM;
  const height = paper.height_mm * POINTS_PER_MM;
  return assemble(draw(figure, paper, width, height), width, height, figure.title);
}

function draw(figure: Figure, paper: Paper, width: number, height: number): string {
  const page = new Page();
  const size = paper.font_pt;
  const yTicks = numberTicks(...figure.yRange, height / (size * 4), figure.yLog, figure.unit);
  const xTicks = ticksOfX(figure, width / (size * 7));
  const named = paper.legend ? figure.lines.filter(({ faint }) => !faint) : [];
  const rows = legendRows(named, size, width);
  const box: Box = {
    left: size * 2.2 + Math.max(0, ...yTicks.labels.map((label) => widthOf(label, size))),
    right: width - size * 0.8,
    bottom: size * 3.1 + rows.length * size * 1.35,
    top: height - size * 0.8,
  };
  const scale = scales(figure, box);
  frame(page, figure, box, size, scale, { xTicks, yTicks });
  page.put(
    `q ${fixed(box.left)} ${fixed(box.bottom)} ${fixed(box.right - box.left)} ${fixed(box.top - box.bottom)} re W n`,
  );
  for (const line of figure.lines) {
    drawBand(page, figure, line, scale);
    drawLine(page, figure, line, scale);
  }
  page.put("Q");
  rows.forEach((row, n) => {
    const y = size * (0.5 + (rows.length - 1 - n) * 1.35);
    for (const { line, x } of row) {
      stroke(page, line);
      page.path([
        [x, y + size * 0.3],
        [x + size * 1.6, y + size * 0.3],
      ]);
      page.put("S [] 0 d");
      page.color("#15181c", "rg");
      page.text(line.label, x + size * 2, y, size, "left");
    }
  });
  return page.toString();
}

function ticksOfX({ axis, xRange, xLog }: Figure, count: number): Ticks {
  if (axis === "relative" && !xLog) return relativeTicks(...xRange, count);
  if (axis === "wall") return wallTicks(...xRange, count);
  return numberTicks(...xRange, count, xLog, null);
}

interface Scales {
  x(value: number): number;
  y(value: number): number;
}

function scales(figure: Figure, box: Box): Scales {
  const along = ([low, high]: readonly [number, number], log: boolean, from: number, to: number) => {
    const of = log ? Math.log10 : (value: number) => value;
    const [begin, end] = [of(low), of(high)];
    return (value: number) => from + ((of(value) - begin) / (end - begin || 1)) * (to - from);
  };
  return {
    x: along(figure.xRange, figure.xLog, box.left, box.right),
    y: along(figure.yRange, figure.yLog, box.bottom, box.top),
  };
}

function frame(
  page: Page,
  figure: Figure,
  box: Box,
  size: number,
  scale: Scales,
  { xTicks, yTicks }: { xTicks: Ticks; yTicks: Ticks },
): void {
  page.put("0.4 w [] 0 d");
  page.color("#e4e7eb", "RG");
  for (const value of yTicks.values) {
    page.path([
      [box.left, scale.y(value)],
      [box.right, scale.y(value)],
    ]);
    page.put("S");
  }
  page.color("#505862", "RG");
  page.path([
    [box.left, box.top],
    [box.left, box.bottom],
    [box.right, box.bottom],
  ]);
  page.put("S");
  page.color("#15181c", "rg");
  yTicks.values.forEach((value, i) => {
    page.text(yTicks.labels[i] ?? "", box.left - size * 0.4, scale.y(value) - size * 0.35, size, "right");
  });
  xTicks.values.forEach((value, i) => {
    page.text(xTicks.labels[i] ?? "", scale.x(value), box.bottom - size * 1.15, size, "center");
  });
  page.text(figure.xLabel, (box.left + box.right) / 2, box.bottom - size * 2.4, size, "center");
  page.text(figure.yLabel, size, (box.bottom + box.top) / 2, size, "center", true);
}

function stroke(page: Page, line: FigureLine): void {
  page.color(line.color, "RG");
  page.put(
    `${line.faint ? "0.3" : "0.8"} w [${line.dash.map((length) => short(length * 0.75)).join(" ")}] 0 d`,
  );
}

function drawLine(page: Page, figure: Figure, line: FigureLine, scale: Scales): void {
  stroke(page, line);
  for (const piece of pieces(figure, line.x, line.y)) {
    const [first] = piece;
    if (!first) continue;
    // A single point between gaps is a dot: a line of no length under round caps.
    const drawn = piece.length === 1 ? [first, first] : piece;
    page.put("1 J 1 j");
    page.path(drawn.map(([x, y]) => [scale.x(x), scale.y(y)] as const));
    page.put("S");
  }
  page.put("[] 0 d");
}

function drawBand(page: Page, figure: Figure, line: FigureLine, scale: Scales): void {
  if (!line.low || !line.high) return;
  const { low, high } = line;
  const floor = figure.yLog ? figure.yRange[0] : Number.NEGATIVE_INFINITY;
  const whole = line.x
    .map((x, i) => [x, Math.max(low[i] ?? Number.NaN, floor), high[i] ?? Number.NaN] as const)
    .filter(([x, from, to]) => isDrawn(figure, x, from) && isDrawn(figure, x, to));
  if (whole.length < 2) return;
  page.put("/Band gs");
  page.color(line.color, "rg");
  page.path([
    ...whole.map(([x, , to]) => [scale.x(x), scale.y(to)] as const),
    ...whole.toReversed().map(([x, from]) => [scale.x(x), scale.y(from)] as const),
  ]);
  page.put("h f /Full gs");
}

/** Stretches of points without a gap between them. */
function pieces(figure: Figure, x: readonly number[], y: readonly number[]): [number, number][][] {
  const found: [number, number][][] = [[]];
  x.forEach((value, i) => {
    const height = y[i] ?? Number.NaN;
    if (isDrawn(figure, value, height)) found.at(-1)?.push([value, height]);
    else if (found.at(-1)?.length) found.push([]);
  });
  return found;
}

function legendRows(
  lines: readonly FigureLine[],
  size: number,
  width: number,
): { line: FigureLine; x: number }[][] {
  const rows: { line: FigureLine; x: number }[][] = [];
  let x = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    const needed = size * 3.2 + widthOf(line.label, size);
    if (x + needed > width) {
      rows.push([]);
      x = size * 0.8;
    }
    rows.at(-1)?.push({ line, x });
    x += needed;
  }
  return rows;
}

/** The objects of the file, and the table that says where each begins. */
function assemble(content: string, width: number, height: number, title: string): Uint8Array<ArrayBuffer> {
  const titled = encode(title)
    .map((code) => code.toString(16).padStart(2, "0"))
    .join("");
  const resources = "/Font << /F1 5 0 R >> /ExtGState << /Band << /ca 0.18 >> /Full << /ca 1 >> >>";
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${fixed(width)} ${fixed(height)}] /Resources << ${resources} >> /Contents 4 0 R >>`,
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    `<< /Title <${titled}> /Producer (treering) >>`,
  ];
  let file = "%PDF-1.4\n";
  const places = objects.map((object, n) => {
    const place = file.length;
    file += `${n + 1} 0 obj\n${object}\nendobj\n`;
    return place;
  });
  const table = file.length;
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  file += places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return Uint8Array.from(file, (sign) => sign.charCodeAt(0)); // all of it is ASCII
}
