// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { barsPainter } from "@/charts/bars";
import { CHART_THEMES } from "@/charts/core/palette";
import { heatmapPainter } from "@/charts/heatmap";
import type { Painter, PlotModel } from "@/charts/plot";
import { Drawing, rgbaOf } from "@/figures/drawing";
import { drawingPdf } from "@/figures/drawingPdf";
import { drawingTikz } from "@/figures/drawingTikz";
import type { Paper } from "@/figures/figure";

const PAPER: Paper = { width_mm: 84, height_mm: 56, font_pt: 8, legend: false };

function drawn<Model extends PlotModel, Layout>(painter: Painter<Model, Layout>, model: Model): Drawing {
  const drawing = new Drawing(330, 220);
  const theme = CHART_THEMES.light;
  drawing.font = theme.font;
  const size = { width: drawing.width, height: drawing.height, pixelRatio: 1 };
  const layout = painter.layOut(drawing.context, model, size, theme);
  painter.paintBase(drawing.context, model, layout, theme);
  painter.paintMarks(drawing.context, model, layout, theme);
  return drawing;
}

const BARS = drawn(barsPainter, {
  ids: ["a", "b"],
  label: "val/acc",
  bars: [
    { label: "vit_l 100% {x}", color: "#407bc5", value: 81, low: 80, high: 82, text: "81 ± 1" },
    { label: "cnn é→", color: "#bb4000", value: 79, low: 79, high: 79, text: "79" },
  ],
});
const HEAT = drawn(heatmapPainter, {
  ids: ["r0", "r0", "r1", "r1"],
  rows: ["0", "1"],
  axis: "step",
  edges: [0, 50, 100],
  values: [1, 2, Number.NaN, 4],
  lo: 1,
  hi: 4,
});

const read = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

describe("a drawing", () => {
  it("remembers paths and texts with their look", () => {
    const texts = BARS.marks.flatMap((mark) => (mark.kind === "text" ? [mark.text] : []));
    expect(texts).toContain("vit_l 100% {x}");
    expect(texts).toContain("81 ± 1");
    const fills = BARS.marks.flatMap((mark) => (mark.kind === "path" && mark.fill ? [mark.fill] : []));
    expect(fills[0]?.map((part) => Math.round(part * 255))).toEqual([64, 123, 197, 217]);
  });

  it("moves and turns what is drawn after it was moved and turned", () => {
    const drawing = new Drawing(10, 10);
    drawing.save();
    drawing.translate(5, 5);
    drawing.rotate(Math.PI / 2);
    drawing.fillRect(1, 0, 1, 1);
    drawing.fillText("up", 0, 0);
    drawing.restore();
    drawing.fillRect(0, 0, 1, 1);
    const [turned, text, plain] = drawing.marks;
    expect(
      turned?.kind === "path" &&
        turned.path[0]?.map((part) => (typeof part === "number" ? Math.round(part) : part)),
    ).toEqual(["M", 5, 6]);
    expect(text).toMatchObject({ turn: 90, x: 5, y: 5 });
    expect(plain?.kind === "path" && plain.path[0]).toEqual(["M", 0, 0]);
  });

  it("draws a circle as four curves through its four ends", () => {
    const drawing = new Drawing(10, 10);
    drawing.beginPath();
    drawing.arc(5, 5, 2, 0, 2 * Math.PI);
    drawing.fill();
    const mark = drawing.marks[0];
    const ends =
      mark?.kind === "path"
        ? mark.path.map((step) => step.slice(-2).map((part) => Math.round(Number(part) * 100) / 100))
        : [];
    expect(ends).toEqual([
      [7, 5],
      [5, 7],
      [3, 5],
      [5, 3],
      [7, 5],
    ]);
  });

  it("reads the colours that charts use", () => {
    expect(rgbaOf("#fff")).toEqual([1, 1, 1, 1]);
    expect(rgbaOf("rgb(255 0 51 / 50%)")).toEqual([1, 0, 0.2, 0.5]);
    expect(rgbaOf("rgba(0, 0, 255, 0.25)")).toEqual([0, 0, 1, 0.25]);
    expect(rgbaOf("nonsense")).toEqual([0, 0, 0, 1]);
  });
});

describe("a drawing on paper", () => {
  it("is a PDF whose table says where its objects are, with text as text", () => {
    for (const drawing of [BARS, HEAT]) {
      const file = read(drawingPdf(drawing, PAPER, "val/acc"));
      const places = [...file.matchAll(/^(\d{10}) 00000 n $/gm)].map(([, place]) => Number(place));
      expect(places).toHaveLength(7);
      for (const [n, place] of places.entries())
        expect(file.slice(place)).toMatch(new RegExp(`^${n + 1} 0 obj`));
      expect(file).toMatch(/MediaBox \[0 0 238\.1\d? 158\.7\d?\]/);
      // Letters of 11 pixels are 8 points where the drawing is 330 pixels for 84 millimetres.
      expect(file).toMatch(/\/F1 7\.93\d* Tf/);
    }
  });

  it("is TikZ in which every name is text and braces are closed", () => {
    const text = drawingTikz(BARS, PAPER, "val/acc\n\\input{x}");
    expect(text.split("\n")[0]).toBe("% val/acc \\input{x}");
    expect(text).toContain("vit\\_l 100\\% \\{x\\}");
    expect(
      text
        .replaceAll(/\\[{}]/g, "")
        .match(/[{}]/g)
        ?.reduce((open, sign) => open + (sign === "{" ? 1 : -1), 0),
    ).toBe(0);
    expect(text).toMatch(/\\path\[fill=tr\d+,opacity=0\.85\] \(/);
    expect(text).toContain("\\end{tikzpicture}");
  });
});
