// A line chart as a PDF of one page.

import { numberTicks, relativeTicks, type Ticks, wallTicks } from "@/charts/core/ticks";
import { type Figure, type FigureLine, isDrawn, type Paper, POINTS_PER_MM, short } from "./figure";
import { assemble, fixed, Page, widthOf } from "./pdfFile";

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
  return assemble(draw(figure, paper, width, height), width, height, figure.title, { Band: 0.18, Full: 1 });
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
