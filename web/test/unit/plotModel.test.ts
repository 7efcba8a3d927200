import { describe, expect, it } from "vitest";
import type { PlotPreset, PlotValue } from "@/api/mediaValue";
import { histogram, normalised, plotModel } from "@/media/plot/model";

const plot = (preset: PlotPreset, fields: Record<string, string>): PlotValue => ({
  _type: "plot",
  preset,
  fields,
  table: { _type: "table-file", sha256: "", size: 0, nrows: 0, ncols: 0, columns: [], types: [] },
});

describe("a confusion matrix", () => {
  const model = plotModel(plot("confusion_matrix", { Actual: "a", Predicted: "p", nPredictions: "n" }), [
    { a: "cat", p: "cat", n: 8 },
    { a: "cat", p: "dog", n: 2 },
    { a: "dog", p: "cat", n: 0 },
    { a: "dog", p: "dog", n: 5 },
  ]);

  it("has actual classes down and predicted ones across", () => {
    expect(model).toEqual({
      kind: "matrix",
      classes: ["cat", "dog"],
      counts: [
        [8, 2],
        [0, 5],
      ],
    });
  });

  it("is normalised by row", () => {
    expect(
      normalised([
        [8, 2],
        [0, 0],
      ]),
    ).toEqual([
      [0.8, 0.2],
      [0, 0],
    ]);
  });
});

describe("a curve", () => {
  it("has a line for each class, over rates from 0 to 1", () => {
    const model = plotModel(plot("roc_curve", { x: "fpr", y: "tpr", class: "class" }), [
      { fpr: 0, tpr: 0, class: "a" },
      { fpr: 0, tpr: 1, class: "b" },
      { fpr: 1, tpr: 1, class: "a" },
    ]);

    expect(model).toMatchObject({
      kind: "xy",
      unit: true,
      diagonal: true,
      series: [
        { name: "a", x: [0, 1], y: [0, 1] },
        { name: "b", x: [0], y: [1] },
      ],
    });
  });

  it("without a column that it needs says which", () => {
    expect(() => plotModel(plot("bar", { label: "k" }), [])).toThrow("no column for value");
  });
});

it("counts hold every finite value once", () => {
  const { edges, counts } = histogram([0, 1, 2, 3, 4, Number.NaN, Number.POSITIVE_INFINITY]);

  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5);
  expect([edges[0], edges.at(-1)]).toEqual([0, 4]);
});
