import { describe, expect, it } from "vitest";
import { paretoFront, runningBest } from "@/charts/core/pareto";

describe("the Pareto front", () => {
  const x = [1, 2, 3, 4, Number.NaN, 2];
  const y = [5, 3, 4, 1, 0, 3];

  it("is what nothing beats in both directions, by x", () => {
    expect(paretoFront(x, y, "min", "min")).toEqual([0, 1, 5, 3]);
    expect(paretoFront(x, y, "max", "max")).toEqual([0, 2, 3]);
    expect(paretoFront(x, y, "min", "max")).toEqual([0]);
  });

  it("agrees with the definition on random points", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return Math.round((seed / 2_147_483_647) * 20);
    };
    for (let round = 0; round < 50; round++) {
      const px = Array.from({ length: 40 }, random);
      const py = Array.from({ length: 40 }, random);
      const beaten = (i: number) =>
        px.some((_, j) => {
          const [dx, dy] = [(px[j] ?? 0) - (px[i] ?? 0), (py[j] ?? 0) - (py[i] ?? 0)];
          return dx <= 0 && dy >= 0 && (dx < 0 || dy > 0);
        });
      const front = px.map((_, i) => i).filter((i) => !beaten(i));
      expect([...paretoFront(px, py, "min", "max")].sort((a, b) => a - b)).toEqual(front);
    }
  });

  it("is empty where nothing is finite", () => {
    expect(paretoFront([Number.NaN], [1], "min", "min")).toEqual([]);
    expect(paretoFront([], [], "min", "min")).toEqual([]);
  });
});

describe("the best so far", () => {
  it("keeps the records in the order of x", () => {
    expect(runningBest([3, 1, 2, 4], [5, 1, 2, 2], "max")).toEqual([1, 2, 0]);
    expect(runningBest([3, 1, 2, 4], [5, 1, 2, 0], "min")).toEqual([1, 3]);
  });
});
