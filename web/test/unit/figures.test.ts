import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EMPTY_MODEL, type Line } from "@/charts/core/model";
import { slotColor } from "@/charts/core/palette";
import { type Figure, figureOf, type Paper } from "@/figures/figure";
import { figureCsv, matplotlibScript } from "@/figures/matplotlib";
import { pdf } from "@/figures/pdf";
import { latexText, tikz } from "@/figures/tikz";

const PAPER: Paper = { width_mm: 84, height_mm: 56, font_pt: 8, legend: true };

const LINE: Line = {
  id: "a",
  subject: "a",
  stand: "normal",
  label: 'amber_heron 100% $x$ \\ "q" é→',
  color: "#407bc5",
  dash: [5, 3],
  x: Float64Array.of(0, 1, 2, 3),
  y: [1, Number.NaN, 0.25, 0.125],
  raw: null,
  lo: Float64Array.of(0.5, 0.5, 0.2, 0.1),
  hi: Float64Array.of(1.5, 0.75, 0.3, 0.2),
  nonfinite: null,
  ghost: null,
  ending: null,
  members: null,
};

function figure(change: Partial<Figure> = {}): Figure {
  return { ...figureOf("val/loss", { ...EMPTY_MODEL, lines: [LINE] }), ...change };
}

const read = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

describe("a figure", () => {
  it("has the points and the ranges that the chart shows", () => {
    const { lines, xRange, yRange, xLabel, yLabel } = figure();
    expect(lines[0]).toMatchObject({
      x: [0, 1, 2, 3],
      y: [1, Number.NaN, 0.25, 0.125],
      low: [0.5, 0.5, 0.2, 0.1],
    });
    expect(xRange).toEqual([0, 3]);
    expect(yRange[0]).toBeLessThanOrEqual(0.1);
    expect(yRange[1]).toBeGreaterThanOrEqual(1.5);
    expect([xLabel, yLabel]).toEqual(["step", "val/loss"]);
  });

  it("has the colours of paper, also beside a dark page", () => {
    const dark = { ...LINE, color: slotColor(3, "dark") };
    expect(figureOf("x", { ...EMPTY_MODEL, lines: [dark] }).lines[0]?.color).toBe(slotColor(3, "light"));
  });

  it("has no band where the chart draws none", () => {
    expect(figureOf("x", { ...EMPTY_MODEL, band: false, lines: [LINE] }).lines[0]?.low).toBeNull();
  });
});

describe("for LaTeX", () => {
  it("every sign is printed as it is", () => {
    expect(latexText("a_b & 5% of {x}^2 ~ #1 $y\\z")).toBe(
      "a\\_b \\& 5\\% of \\{x\\}\\textasciicircum{}2 \\textasciitilde{} \\#1 \\$y\\textbackslash{}z",
    );
  });

  it("points, gaps, bands, dashes, sizes and the legend are there", () => {
    const text = tikz(figure(), PAPER);
    expect(text).toContain("coordinates {(0,1) (1,nan) (2,0.25) (3,0.125)}");
    expect(text).toContain("fill between[of=low0 and high0]");
    expect(text).toContain("\\definecolor{run0}{HTML}{407BC5}");
    expect(text).toContain("dash pattern=on 3.75pt off 2.25pt");
    expect(text).toContain("width=84mm, height=56mm");
    expect(text).toContain("\\fontsize{8}{9.6}");
    expect(text).toContain("\\addlegendentry{amber\\_heron 100\\%");
    expect(tikz(figure(), { ...PAPER, legend: false })).not.toContain("addlegendentry");
  });

  it("a log axis leaves out what is not positive", () => {
    expect(tikz(figure({ xLog: true, xRange: [1, 3] }), PAPER)).toContain("(0,nan)");
  });
});

describe("for Python", () => {
  it("the CSV has every point exactly, and gaps as empty fields", () => {
    expect(figureCsv(figure())).toBe(
      "line,x,value,lowest,highest\n0,0,1,0.5,1.5\n0,1,,0.5,0.75\n0,2,0.25,0.2,0.3\n0,3,0.125,0.1,0.2\n",
    );
  });

  it("the script is Python, whatever a run is called", () => {
    const folder = mkdtempSync(join(tmpdir(), "figure-"));
    const script = matplotlibScript(figure({ yLog: true }), PAPER, "val_loss");
    writeFileSync(join(folder, "val_loss.py"), script);
    const check =
      "import ast, sys; t = ast.parse(open(sys.argv[1]).read()); " +
      "l = next(n.value for n in t.body if isinstance(n, ast.Assign) and n.targets[0].id == 'LINES'); " +
      "print(ascii(ast.literal_eval(l)))";
    const shown = execFileSync(process.env.PYTHON ?? "python3", ["-c", check, join(folder, "val_loss.py")], {
      encoding: "utf8",
    });
    expect(shown).toContain("(0, (3.75, 2.25))");
    expect(shown).toContain("\\xe9\\u2192");
    expect(script).toContain('axes.set_yscale("log")');
    expect(script).toContain("figsize=(3.307087, 2.204724)");
  });
});

describe("as PDF", () => {
  const text = read(pdf(figure(), PAPER));

  it("is a page of the paper's size with the font's size in it", () => {
    expect(text.startsWith("%PDF-1.4")).toBe(true);
    expect(text).toContain("/MediaBox [0 0 238.11 158.74]");
    expect(text).toContain("/F1 8 Tf");
  });

  it("says where each of its objects begins", () => {
    const start = Number(/startxref\n(\d+)/.exec(text)?.[1]);
    expect(text.slice(start, start + 4)).toBe("xref");
    const places = [...text.slice(start).matchAll(/^(\d{10}) 00000 n/gm)].map(([, place]) => Number(place));
    expect(places).toHaveLength(7);
    places.forEach((place, n) => {
      expect(text.slice(place, place + 7)).toBe(`${n + 1} 0 obj`);
    });
    const length = Number(/\/Length (\d+)/.exec(text)?.[1]);
    const body = text.indexOf("stream\n") + 7;
    expect(text.slice(body + length, body + length + 10)).toBe("\nendstream");
  });

  it("writes text as bytes of its encoding, and leaves a gap in the line", () => {
    expect(text).toContain(`<${[..."val/loss"].map((c) => c.charCodeAt(0).toString(16)).join("")}>`);
    expect(text).toContain("e93f"); // é, and a question mark for an arrow
    const lines = text.split("\n");
    expect(lines.filter((line) => line === "1 J 1 j")).toHaveLength(2);
  });

  it("never says NaN, also on log axes and with no line at all", () => {
    for (const some of [
      figure({ xLog: true, xRange: [1, 3] }),
      figure({ lines: [] }),
      figureOf("x", { ...EMPTY_MODEL, yLog: true, lines: [LINE] }),
    ]) {
      expect(read(pdf(some, PAPER))).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});
