import { describe, expect, it } from "vitest";
import { changePoints } from "@/charts/core/changePoints";
import { timelineChanges } from "@/panels/timeline/changes";

const noisy = (level: number, n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => level + Math.sin((i + from) * 12.9898) * 0.5);

describe("change points", () => {
  it("are where the level became another", () => {
    const found = changePoints([...noisy(10, 30), ...noisy(14, 30, 30)]);
    expect(found).toHaveLength(1);
    expect(found[0]?.index).toBe(30);
    expect(found[0]?.before).toBeCloseTo(10, 0);
    expect(found[0]?.after).toBeCloseTo(14, 0);
  });

  it("are not found in noise, nor in one crashed run, nor in a few values", () => {
    expect(changePoints(noisy(10, 80))).toEqual([]);
    const crashed = noisy(10, 60);
    crashed[30] = 100;
    expect(changePoints(crashed)).toEqual([]);
    expect(changePoints([1, 2])).toEqual([]);
    expect(changePoints([])).toEqual([]);
  });

  it("are several where there are several", () => {
    const found = changePoints([...noisy(5, 25), ...noisy(9, 25, 25), ...noisy(2, 25, 50)]);
    expect(found.map(({ index }) => index)).toEqual([25, 50]);
  });
});

describe("a change in the history of runs", () => {
  it("is named by the commit that came with it", () => {
    const values = [...noisy(10, 10), ...noisy(20, 10, 10)];
    const times = values.map((_, i) => 1000 + i * 10);
    const commits = values.map((_, i) => (i < 10 ? "aaaaaaaaaaaa" : "bbbbbbbbbbbb"));
    // Not in the order of time, as the newest come first.
    const [change] = timelineChanges(times.toReversed(), values.toReversed(), commits.toReversed());
    expect(change?.label).toBe("commit bbbbbbb");
    expect(change?.x).toBe(1095);
    expect(
      timelineChanges(
        times,
        values,
        values.map(() => "same"),
      )[0]?.label,
    ).toBe("");
  });
});
