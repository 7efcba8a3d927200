// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import type { TableGroup } from "@/api/runsTable";
import { changeOf, selectionOf } from "@/features/runs/BulkBar";
import { ALL_MARKED, countMarks, isMarked, mark, NO_MARKS } from "@/features/runs/marks";
import { groupSegments, itemAt, plainSegments, segmentsLength } from "@/features/runs/segments";
import { combineSpreads, groupTree, type Spread } from "@/features/runs/spread";
import { formatSpread } from "@/ui/humanize";

function spread(values: number[]): Spread {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const std = n > 1 ? Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1)) : 0;
  const distinct = new Set(values).size;
  return { n, mean, std, common: distinct === 1 ? values[0] : undefined, distinct };
}

describe("the spread of a union", () => {
  it("is that of all its values", () => {
    const parts = [[1, 2, 3.5], [10], [-4, -4, 0.25, 7]];
    const whole = spread(parts.flat());
    const found = combineSpreads(parts.map(spread));
    expect(found.n).toBe(8);
    expect(found.mean).toBeCloseTo(whole.mean, 12);
    expect(found.std).toBeCloseTo(whole.std, 12);
  });

  it("keeps what all have in common, and nothing where they differ", () => {
    expect(combineSpreads([spread([3, 3]), spread([3])]).common).toBe(3);
    expect(combineSpreads([spread([3, 3]), spread([4])]).common).toBeUndefined();
    expect(combineSpreads([])).toMatchObject({ n: 0, distinct: 0 });
  });
});

const wire = (values: number[]) => {
  const { n, mean, std, common, distinct } = spread(values);
  return { n, mean, std, min: 0, max: 0, common: common ?? null, distinct };
};
const group = (model: string | null, seed: number, runs: string[], values: number[]): TableGroup => ({
  path: [
    { by: "config.model", value: model },
    { by: "config.seed", value: seed },
  ],
  count: runs.length,
  runs,
  columns: [wire(values)],
});
const GROUPS = [group("a", 1, ["r1", "r2"], [1, 3]), group(null, 1, ["r3"], [7]), group("a", 2, ["r4"], [5])];

describe("the lines of a grouped table", () => {
  it("put a folder's own runs behind the folders in it", () => {
    const inFolder = (value: string, runs: string[], values: number[]): TableGroup => ({
      path: [{ by: "folder", value }],
      count: runs.length,
      runs,
      columns: [wire(values)],
    });
    const tree = groupTree([
      inFolder("a/b/c", ["r1"], [1]),
      inFolder("a", ["r2", "r3"], [2, 6]),
      inFolder("z", ["r4"], [4]),
    ]);
    expect(tree.map(({ value, count, own }) => [value, count, own])).toEqual([
      ["a", 3, 2],
      ["z", 1, 1],
    ]);
    expect(tree[0]?.spreads[0]).toMatchObject({ n: 3, mean: 3 });
    const segments = groupSegments(tree, new Set(), "");
    expect(
      segments.map((segment) =>
        segment.kind === "group" ? segment.node.value : `${segment.block.filter} × ${segment.count}`,
      ),
    ).toEqual(["a", "a/b", "a/b/c", 'folder = "a/b/c" × 1', 'folder = "a" × 2', "z", 'folder = "z" × 1']);
  });

  it("nest, with the figures of the outer group over all its runs", () => {
    const tree = groupTree(GROUPS);
    expect(tree.map(({ value, count }) => [value, count])).toEqual([
      ["a", 3],
      [null, 1],
    ]);
    expect(tree[0]?.spreads[0]?.mean).toBeCloseTo(3, 12);
    const segments = groupSegments(tree, new Set(), 'state = "failed"');
    expect(segmentsLength(segments)).toBe(5 + 4);
    const kinds = Array.from({ length: 9 }, (_, i) => itemAt(segments, i)?.kind);
    expect(kinds).toEqual(["group", "group", "run", "run", "group", "run", "group", "group", "run"]);
    expect(segments.find((segment) => segment.kind === "rows")).toMatchObject({
      block: { filter: '(state = "failed") and (config.model = "a" and config.seed = 1)' },
    });
    expect(itemAt(segments, 9)).toBeNull();
  });

  it("fold", () => {
    const tree = groupTree(GROUPS);
    const segments = groupSegments(tree, new Set(tree.map(({ id }) => id)), "");
    expect(segmentsLength(segments)).toBe(2);
  });

  it("are found at once among a hundred thousand", () => {
    const segments = plainSegments("", 100_000);
    expect(itemAt(segments, 99_999)).toMatchObject({ kind: "run", index: 99_999 });
  });
});

describe("marked runs", () => {
  it("are some, or all but some", () => {
    const some = mark(NO_MARKS, ["a", "b"], true);
    expect([isMarked(some, "a"), isMarked(some, "c"), countMarks(some, 10)]).toEqual([true, false, 2]);
    const most = mark(ALL_MARKED, ["a"], false);
    expect([isMarked(most, "a"), isMarked(most, "c"), countMarks(most, 10)]).toEqual([false, true, 9]);
    expect(countMarks(mark(most, ["a"], true), 10)).toBe(10);
  });

  it("are said to the server by name, or by the filter without those that were unmarked", () => {
    const selection = { entity: "e", project: "p", filter: "a = 1", search: "x" };
    expect(selectionOf(selection, mark(NO_MARKS, ["k"], true))).toEqual({
      entity: "e",
      project: "p",
      runs: ["k"],
    });
    expect(selectionOf(selection, mark(ALL_MARKED, ["k"], false)).filter).toBe(
      '(a = 1) and (not run_key in ["k"])',
    );
    expect(selectionOf(selection, ALL_MARKED)).toBe(selection);
  });

  it("are purged only when it was typed", () => {
    expect(changeOf("purge", "purge 3", 3)).toEqual({ purge: true });
    expect(changeOf("purge", "purge 2", 3)).toBeNull();
    expect(changeOf("move", "e/p", 1)).toEqual({ move_to: { entity: "e", project: "p" } });
    expect(changeOf("move", "e/p/x", 1)).toBeNull();
    expect(changeOf("copy", " e/p ", 1)).toEqual({ copy_to: { entity: "e", project: "p" } });
    expect(changeOf("tag", " a, b ,a", 1)).toEqual({ add_tags: ["a", "b"] });
    expect(changeOf("tag", " , ", 1)).toBeNull();
    expect(changeOf("group", " ", 1)).toEqual({ changes: { group: null } });
  });
});

describe("mean and deviation", () => {
  it("are written to the second digit of the deviation", () => {
    expect(formatSpread(80.9234, 0.3078)).toEqual({ mean: "80.92", deviation: "0.31" });
    expect(formatSpread(-0.68071, 0.0312)).toEqual({ mean: "−0.681", deviation: "0.031" });
    expect(formatSpread(508.3, 402.1)).toEqual({ mean: "508", deviation: "402" });
    expect(formatSpread(3, 0)).toEqual({ mean: "3", deviation: null });
    expect(formatSpread(2.5e-5, 1.26e-6)).toEqual({ mean: "2.5e−5", deviation: "1.3e−6" });
  });
});
