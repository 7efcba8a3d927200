import { describe, expect, it } from "vitest";
import { binAt, densityOf, edgeRange, nearestStep, readBins } from "@/media/histogram/bins";

const bins = (step: number, edges: number[], counts: number[], lost = {}) => {
  const found = readBins(step, { _type: "histogram", bins: edges, values: counts, ...lost });
  if (!found) throw new Error("no bins");
  return found;
};

describe("a histogram", () => {
  const one = bins(0, [0, 1, 3], [1, 3], { nan: 2, inf: 1 });

  it("tells the bin of a value; the last one has its upper edge", () => {
    expect([-0.1, 0, 0.99, 1, 3, 3.01, Number.NaN].map((value) => binAt(one, value))).toEqual([
      -1, 0, 0, 1, 1, -1, -1,
    ]);
  });

  it("has densities that sum to one over the axis", () => {
    expect([densityOf(one, 0), densityOf(one, 1)]).toEqual([0.25, 0.375]);
  });

  it("counts what is not finite apart", () => {
    expect(one.nonfinite).toBe(3);
  });

  it("without bins, or with one edge too few, is none", () => {
    expect(readBins(0, { _type: "histogram", bins: [], values: [] })).toBeNull();
    expect(readBins(0, { _type: "histogram", bins: [0, 1], values: [1, 2] })).toBeNull();
  });
});

it("histograms together span the widest range, and the nearest step is found", () => {
  const all = [bins(0, [0, 1], [1]), bins(100, [-5, 2], [1])];

  expect(edgeRange(all)).toEqual([-5, 2]);
  expect([nearestStep(all, 49), nearestStep(all, 51), nearestStep([], 1)]).toEqual([0, 1, -1]);
});
