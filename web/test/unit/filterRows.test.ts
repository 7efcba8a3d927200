// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { equalsFilter, fieldOf, groupFilter, joinFilters, runsFilter } from "@/api/filterText";
import { columnOfField, type FilterNode, filterField } from "@/api/filterTree";
import { groupOf, treeOf, typedValue, valuesOf } from "@/features/runs/filterRows";

const lr = { space: "config", name: "lr", agg: "" } as const;
const loss = { space: "metric", name: "val/loss", agg: "min" } as const;
const tags = { space: "column", name: "tags", agg: "" } as const;

const TREES: FilterNode[] = [
  { op: ">=", field: lr, value: 0.001 },
  { op: "=", field: lr, value: "0.001" },
  { op: "=", field: lr, value: "" },
  { op: "!=", field: lr, value: true },
  { op: "=", field: lr, value: null },
  { op: "in", field: lr, values: [1, "a, b", "true", 'say "x"'] },
  { op: "~", field: lr, text: "^vit" },
  { op: "is", field: loss, what: "nan" },
  { op: "not", item: { op: "is", field: loss, what: "missing" } },
  { op: "not", item: { op: "has", field: tags, text: "baseline" } },
  { op: "not", item: { op: ">", field: loss, value: 2 } },
  {
    op: "not",
    item: {
      op: "not",
      item: {
        op: "or",
        items: [
          { op: "=", field: lr, value: 1 },
          { op: "=", field: lr, value: 2 },
        ],
      },
    },
  },
  {
    op: "and",
    items: [
      { op: "=", field: lr, value: 1 },
      {
        op: "or",
        items: [
          { op: "has", field: tags, text: "x" },
          { op: "<", field: loss, value: -1e-5 },
        ],
      },
      {
        op: "not",
        item: {
          op: "and",
          items: [
            { op: "=", field: lr, value: 3 },
            { op: "=", field: lr, value: 4 },
          ],
        },
      },
    ],
  },
];

describe("a filter as a form", () => {
  it("says what the tree says", () => {
    for (const tree of TREES) expect(treeOf(groupOf(tree))).toEqual(tree);
  });

  it("asks for nothing while no value is typed", () => {
    expect(treeOf(groupOf(null))).toBeNull();
    expect(treeOf({ kind: "row", field: lr, op: "=", text: " " })).toBeNull();
    expect(treeOf({ kind: "row", field: lr, op: "is missing", text: "" })).toEqual({
      op: "is",
      field: lr,
      what: "missing",
    });
  });

  it("reads typed values as people mean them", () => {
    expect(["1e-3", " 5 ", "true", "null", "adam w", '"5"', '"a\\"b"'].map(typedValue)).toEqual([
      0.001,
      5,
      true,
      null,
      "adam w",
      "5",
      'a"b',
    ]);
    expect(valuesOf('1, vit-b, "a, b",')).toEqual([1, "vit-b", "a, b"]);
  });
});

describe("fields", () => {
  it("are columns and back", () => {
    for (const by of ["state", "config.a.b", "summary.x"])
      expect(columnOfField(filterField({ by }) ?? tags)).toEqual({ by });
    expect(columnOfField(filterField({ by: "metric:a/b", agg: "min" }) ?? tags)).toEqual({
      by: "metric:a/b",
      agg: "min",
    });
    expect(filterField({ by: "meta.git.commit" })).toBeNull();
    expect(filterField({ by: "metric:a", agg: "at", step: 1 })).toBeNull();
  });

  it("are quoted where the language asks for it", () => {
    expect(fieldOf({ by: "config.lr" })).toBe("config.lr");
    expect(fieldOf({ by: "config.my key" })).toBe('config."my key"');
    expect(fieldOf({ by: "metric:loss.min", agg: "max" })).toBe('metric."loss.min".max');
  });
});

describe("filters of groups", () => {
  it("say what all runs of a group have", () => {
    expect(
      groupFilter([
        { by: "config.model", value: 'vit "b"' },
        { by: "group", value: null },
        { by: 'except:["seed"]', value: { lr: 0.001, amp: true } },
      ]),
    ).toBe('config.model = "vit \\"b\\"" and group is missing and config.lr = 0.001 and config.amp = true');
    expect(equalsFilter("config.layers", [1, 2])).toBeNull();
    expect(runsFilter(["a", "b"])).toBe('run_key in ["a", "b"]');
  });

  it("are joined so that none of them leaks into the other", () => {
    expect(joinFilters("a = 1 or b = 2", "", " c = 3 ")).toBe("(a = 1 or b = 2) and (c = 3)");
    expect(joinFilters("", " a = 1")).toBe("a = 1");
  });
});
