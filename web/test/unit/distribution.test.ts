import { describe, expect, it } from "vitest";
import { binEdges, boxStats, density, histogram, quantile, sortedFinite } from "@/charts/core/distribution";

describe("quantiles and boxes", () => {
  it("are numpy's, linear between ranks", () => {
    // numpy.quantile([1, 2, 4, 8], [0.25, 0.5, 0.75]) = [1.75, 3., 5.]
    expect([0.25, 0.5, 0.75].map((q) => quantile([1, 2, 4, 8], q))).toEqual([1.75, 3, 5]);
  });

  it("tell outliers from the rest", () => {
    const stats = boxStats(sortedFinite([1, 2, 3, 4, 100, Number.NaN, Number.POSITIVE_INFINITY]));
    expect(stats).toMatchObject({ n: 5, low: 1, high: 4, median: 3, outliers: [100] });
    expect(boxStats([])).toBeNull();
  });
});

describe("the density", () => {
  it("integrates to about one and has no value for one value", () => {
    // Most of it in the middle: what a kernel puts beyond the sample's range is cut off.
    const sample = sortedFinite(Array.from({ length: 400 }, (_, i) => Math.sin(i * 12.9898) ** 3));
    const found = density(sample, 200);
    if (!found) throw new Error("there is a density");
    const step = (found.at[1] ?? 0) - (found.at[0] ?? 0);
    const area = found.height.reduce((sum, height) => sum + height * step, 0);
    expect(area).toBeGreaterThan(0.85);
    expect(area).toBeLessThan(1.02);
    expect(density(sortedFinite([2, 2, 2]))).toBeNull();
  });
});

describe("histograms", () => {
  it("count every value once, also at the edges", () => {
    const sample = sortedFinite([0, 0.5, 1, 1, 2, 10]);
    for (const bins of [1, 3, 10]) {
      const counts = histogram(sample, binEdges(sample, false, bins));
      expect(counts).toHaveLength(bins);
      expect(counts.reduce((a, b) => a + b, 0)).toBe(6);
    }
  });

  it("have bins of equal ratio on a log axis", () => {
    const edges = binEdges(sortedFinite([1e-4, 1e-3, 1e-2, 1e-1]), true, 3);
    expect(edges[1]).toBeCloseTo(1e-3, 12);
    expect(edges[2]).toBeCloseTo(1e-2, 12);
  });

  it("have one bin where all values are equal", () => {
    expect(histogram(sortedFinite([3, 3]), binEdges(sortedFinite([3, 3]), false))).toEqual([2]);
  });
});
