// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { matrixColumn } from "@/api/matrix";
import { plotAxis } from "@/charts/core/plotAxis";
import { keptRuns, type ParallelAxis } from "@/charts/parallel";
import { brushFilter, check, moveAxis, rangeFilter } from "@/panels/parallel/settings";

function axis(
  values: unknown[],
  kind: "number" | "category",
  brush: readonly [number, number] | null,
): ParallelAxis {
  const column = matrixColumn(kind, values);
  return { ...plotAxis(column, "x", false), id: "x", flipped: false, brush, present: column.present };
}

describe("brushes", () => {
  it("keep the runs inside all of them; a missing value and NaN are inside of none", () => {
    const lr = axis([1, 2, 3, null, "NaN"], "number", [1, 2]);
    const model = axis(["a", "b", "a", "a", "a"], "category", [-0.5, 0.5]);
    expect([...keptRuns([lr, model], 5)]).toEqual([1, 0, 0, 0, 0]);
    expect([
      ...keptRuns(
        [
          { ...lr, brush: null },
          { ...model, brush: null },
        ],
        5,
      ),
    ]).toEqual([1, 1, 1, 1, 1]);
  });

  it("are said as a filter", () => {
    const axes = [
      { column: { by: "config.lr" }, range: [0.001, 0.1] as const },
      { column: { by: "config.model" }, range: ["b", "c"] as const },
      { column: { by: "metric:acc", agg: "max" as const }, range: [80, 90] as const },
      { column: { by: "config.none" } },
    ];
    expect(brushFilter(axes, (id) => (id === "config.model" ? ["a", "b", "c", "d"] : []))).toBe(
      '(config.lr >= 0.001 and config.lr <= 0.1) and (config.model in ["b", "c"]) and (metric.acc.max >= 80 and metric.acc.max <= 90)',
    );
    expect(rangeFilter({ column: { by: "meta.git.commit" }, range: ["a", "b"] }, ["a", "b"])).toBeNull();
    expect(rangeFilter({ column: { by: "config.batch" }, range: ["64", "64"] }, ["64"])).toBe(
      "config.batch in [64]",
    );
  });
});

describe("axes", () => {
  const axes = ["a", "b", "c"].map((key) => ({ column: { by: `config.${key}` } }));
  it("move", () => {
    const names = (list: typeof axes | readonly (typeof axes)[number][]) =>
      list.map(({ column }) => column.by.slice(-1)).join("");
    expect(names(moveAxis(axes, 0, 2))).toBe("bca");
    expect(names(moveAxis(axes, 2, 0))).toBe("cab");
    expect(moveAxis(axes, 0, -1)).toBe(axes);
    expect(moveAxis(axes, 0, 3)).toBe(axes);
  });

  it("come from settings only if they are valid", () => {
    expect(
      check({
        axes: [
          { column: { by: "config.a" }, log: true, range: [1, 2] },
          { column: { by: "config.b" }, range: [2, 1], flipped: "yes" },
          { column: 3 },
          null,
        ],
        color: { by: "metric:x", agg: "max" },
        best: "sideways",
      }),
    ).toEqual({
      axes: [{ column: { by: "config.a" }, log: true, range: [1, 2] }, { column: { by: "config.b" } }],
      color: { by: "metric:x", agg: "max" },
    });
    expect(check({ axes: "x" })).toEqual({});
  });
});

describe("an axis of a column", () => {
  it("has places for numbers and categories, and none for what is not one", () => {
    expect([...plotAxis(matrixColumn("number", [1, "NaN", null, "Infinity", -2]), "x", true).values]).toEqual(
      [1, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
    );
    const mixed = plotAxis(matrixColumn("mixed", ["layer10", 2, null, "layer2"]), "x", false);
    expect(mixed.categories).toEqual(["2", "layer2", "layer10"]);
    expect([...mixed.values]).toEqual([2, 0, Number.NaN, 1]);
  });
});
