import { describe, expect, it } from "vitest";
import { columnExtent, isRising, lowerBound, nearestIndex } from "@/charts/core/columns";

describe("a rising column", () => {
  const x = Float64Array.from([0, 10, 20, 40]);

  it("is searched by halving", () => {
    expect(lowerBound(x, 10)).toBe(1);
    expect(lowerBound(x, 11)).toBe(2);
    expect([0, 4, 6, 29, 31, 40].map((value) => nearestIndex(x, value))).toEqual([0, 0, 1, 2, 3, 3]);
  });

  it("has no point nearest to a place outside of it", () => {
    expect(nearestIndex(x, -1)).toBe(-1);
    expect(nearestIndex(x, 41)).toBe(-1);
    expect(nearestIndex([], 0)).toBe(-1);
  });
});

describe("a column that goes back, as a metric on the x axis may", () => {
  const x = Float64Array.from([5, 1, 9, 2]);

  it("is still read right", () => {
    expect(isRising(x)).toBe(false);
    expect(columnExtent(x)).toEqual([1, 9]);
    expect(nearestIndex(x, 8)).toBe(2);
    expect(nearestIndex(x, 0)).toBe(-1);
  });
});
