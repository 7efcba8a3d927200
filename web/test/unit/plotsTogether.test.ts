import { describe, expect, it } from "vitest";
import type { PlotPreset, PlotValue } from "@/api/mediaValue";
import { plotsTogether } from "@/media/plot/together";

const plot = (preset: PlotPreset, fields: Record<string, string>): PlotValue => ({
  _type: "plot",
  preset,
  fields,
  table: { _type: "table-file", sha256: "", size: 0, nrows: 0, ncols: 0, columns: [], types: [] },
});
const run = (label: string, slot: number, value: PlotValue, rows: Record<string, unknown>[]) => ({
  label,
  slot,
  value,
  rows,
});

describe("plots of several runs", () => {
  it("are curves in the runs' colours, and their classes are dashes", () => {
    const roc = plot("roc_curve", { x: "fpr", y: "tpr", class: "class" });
    const rows = [
      { fpr: 0, tpr: 0.1, class: "cat" },
      { fpr: 0, tpr: 0.2, class: "dog" },
    ];
    const made = plotsTogether([run("a", 4, roc, rows), run("b", 7, roc, rows.slice(1))]);
    expect(made).toMatchObject({
      kind: "xy",
      unit: true,
      diagonal: true,
      series: [
        { name: "a · cat", slot: 4, dash: [] },
        { name: "a · dog", slot: 4, dash: [6, 3] },
        { name: "b · dog", slot: 7, dash: [6, 3] },
      ],
    });
  });

  it("are bars in groups of the same label; a bar that a run lacks is missing", () => {
    const bar = plot("bar", { label: "animal", value: "n" });
    const made = plotsTogether([
      run("a", 0, bar, [
        { animal: "cat", n: 3 },
        { animal: "owl", n: 1 },
      ]),
      run("b", 1, bar, [
        { animal: "dog", n: 5 },
        { animal: "cat", n: 2 },
      ]),
    ]);
    expect(made).toMatchObject({
      kind: "groups",
      bars: [{ label: "cat" }, { label: "owl" }, { label: "dog" }],
      groups: [
        { name: "a", slot: 0, values: [3, 1, Number.NaN] },
        { name: "b", slot: 1, values: [2, Number.NaN, 5] },
      ],
    });
  });

  it("are histograms over the same bins, as shares", () => {
    const hist = plot("histogram", { value: "v" });
    const made = plotsTogether([
      run("a", 0, hist, [{ v: 0 }, { v: 1 }, { v: Number.NaN }]),
      run("b", 1, hist, [{ v: 10 }, { v: 10 }, { v: 9 }, { v: 9 }]),
    ]);
    expect(made?.kind).toBe("xy");
    if (made?.kind !== "xy") return;
    expect(made.series[0]?.x).toEqual(made.series[1]?.x);
    for (const series of made.series) {
      expect(series.x.length).toBe(series.y.length);
      expect(series.y.reduce((sum, share) => sum + share, 0)).toBeCloseTo(2);
    }
  });

  it("stand side by side where they are matrices, or of different presets", () => {
    const matrix = plot("confusion_matrix", { actual: "a", predicted: "p", n: "n" });
    const line = plot("line", { x: "x", y: "y" });
    expect(plotsTogether([run("a", 0, matrix, []), run("b", 1, matrix, [])])).toBeNull();
    expect(
      plotsTogether([run("a", 0, line, []), run("b", 1, plot("scatter", { x: "x", y: "y" }), [])]),
    ).toBeNull();
    expect(plotsTogether([])).toBeNull();
  });

  it("say which column is missing", () => {
    const line = plot("line", { x: "x" });
    expect(() => plotsTogether([run("a", 0, line, [])])).toThrow(/no column for y/);
  });
});
