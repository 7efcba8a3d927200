import { describe, expect, it } from "vitest";
import type { RunGroup, RunRow } from "@/api/types";
import { joinGroups, showValue, sortGroups } from "@/features/workspace/groups";

const row = (number: number) => ({ run_key: `key${number}`, number }) as RunRow;
const group = (value: unknown, runs: string[], mean: number | "NaN" | null = null): RunGroup => ({
  path: [{ by: "config.model", value }],
  count: runs.length,
  runs,
  metrics: { acc: { mean, std: null, min: null, max: null, n: runs.length } },
});

describe("groups", () => {
  it("take their colour from their oldest run, so that sorting and new groups change none", () => {
    const rows = [row(9), row(5), row(2), row(1)];
    const [young, old] = [group("b", ["key5", "key9"]), group("a", ["key1", "key2"])];

    const slots = (groups: RunGroup[]) =>
      Object.fromEntries(joinGroups(groups, rows).map(({ path, slot }) => [path[0]?.value, slot]));

    expect(slots([young, old])).toEqual({ a: 0, b: 1 });
    expect(slots([old, young])).toEqual({ a: 0, b: 1 });
    expect(slots([group("c", ["key20"]), old, young])).toMatchObject({ a: 0, b: 1 });
  });

  it("are sorted by their mean; those without one come last both ways", () => {
    const groups = joinGroups(
      [group("none", [], null), group("low", [], 1), group("nan", [], "NaN"), group("high", [], 2)],
      [],
    );
    const names = (desc: boolean) => sortGroups(groups, "acc", desc).map(({ path }) => path[0]?.value);

    expect(names(true).slice(0, 2)).toEqual(["high", "low"]);
    expect(names(false).slice(0, 2)).toEqual(["low", "high"]);
  });

  it("tell a missing value from an empty one", () => {
    expect(showValue(null)).toBe("not set");
    expect(showValue("")).toBe("");
    expect(showValue(0)).toBe("0");
    expect(showValue([1, "a"])).toBe('[1,"a"]');
  });
});
