import { describe, expect, it } from "vitest";
import { type Column, columnId, columnTitle, decodeColumn, encodeColumn } from "@/api/columns";
import {
  DEFAULT_TABLE,
  idOf,
  moveColumn,
  readTable,
  type TableState,
  tableColumn,
  writeTable,
} from "@/features/runs/tableState";
import { checkColumn } from "@/panels/matrix/checks";

const COLUMNS: Column[] = [
  { by: "name" },
  { by: "config.optimizer.lr" },
  { by: "summary.final" },
  { by: "meta.git.commit" },
  { by: "metric:val/acc", agg: "last" },
  { by: "metric:val/acc@max", agg: "max" },
  { by: "metric:loss", agg: "at", step: 1000 },
  { by: 'metric:odd "key", 1', agg: "when", of: { key: "val/loss,x", agg: "min" } },
];

describe("columns in addresses", () => {
  it("come back as they were", () => {
    for (const column of COLUMNS) expect(decodeColumn(encodeColumn(column))).toEqual(column);
    expect(new Set(COLUMNS.map(columnId)).size).toBe(COLUMNS.length);
  });

  it("that are none are refused", () => {
    for (const bad of [
      null,
      "x",
      [],
      [1],
      ["metric:x", "at"],
      ["metric:x", "at", 1.5],
      ["metric:x", "nonsense"],
    ])
      expect(decodeColumn(bad)).toBeNull();
    expect(decodeColumn(["config.lr", "max"])).toBeNull();
    expect(decodeColumn(["metric:x", "when", "min"])).toBeNull();
  });

  it("are named so that a person knows which value it is", () => {
    expect(COLUMNS.map(columnTitle)).toEqual([
      "name",
      "optimizer.lr",
      "final summary",
      "git.commit meta",
      "val/acc last",
      "val/acc@max max",
      "loss at step 1,000",
      'odd "key", 1 where val/loss,x is lowest',
    ]);
  });
});

describe("the table of a view", () => {
  const table: TableState = {
    mode: "pivot",
    columns: [
      tableColumn({ by: "name" }, { pinned: true, width: 300 }),
      tableColumn({ by: "config.lr" }, { hidden: true }),
      tableColumn({ by: "metric:loss", agg: "last" }, { spark: true }),
      tableColumn({ by: "metric:loss", agg: "min" }),
    ],
    sort: [
      { column: { by: "metric:loss", agg: "at", step: 5 }, desc: true },
      { column: { by: "config.lr" }, desc: false },
    ],
    baseline: "abc",
    goals: { x: "min" },
    pivot: { rows: ["config.a"], columns: [], value: { by: "metric:loss", agg: "min" }, goal: "min" },
  };

  it("comes back as it was, and is short at its default", () => {
    expect(readTable(JSON.parse(JSON.stringify(writeTable(table))))).toEqual(table);
    expect(writeTable(DEFAULT_TABLE)).toEqual({});
    expect(readTable({})).toEqual(DEFAULT_TABLE);
  });

  it("never fails on a broken one", () => {
    const broken = { mode: "x", columns: "[[", sort: {}, baseline: 7, goals: [1], pivot: [] };
    expect(readTable(broken)).toEqual(DEFAULT_TABLE);
    expect(readTable({ columns: [[["name"], "p", 1e9], [["name"]], ["x"], 7] }).columns).toEqual([
      tableColumn({ by: "name" }),
    ]);
    expect(readTable({ sort: [7, [["name"], true], [["metric:x", "at"], true]] }).sort).toEqual([
      { column: { by: "name" }, desc: true },
    ]);
  });

  it("lets a column be moved, which takes over whether its new place is pinned", () => {
    const columns = table.columns ?? [];
    const ids = (list: typeof columns) => list.map(idOf);
    const [name = "", lr = "", curve = "", min = ""] = ids(columns);
    expect(ids(moveColumn(columns, min, lr, false))).toEqual([name, min, lr, curve]);
    expect(ids(moveColumn(columns, lr, min, true))).toEqual([name, curve, min, lr]);
    expect(moveColumn(columns, min, name, true)[1]).toMatchObject({ pinned: true });
    expect(moveColumn(columns, "gone", name, true)).toBe(columns);
  });
});

describe("columns in settings", () => {
  it("are taken only if they are columns", () => {
    for (const column of COLUMNS) expect(checkColumn(column)).toEqual(column);
    for (const bad of [
      1,
      null,
      [],
      {},
      { by: "" },
      { by: 3 },
      { by: "x".repeat(2000) },
      { by: "metric:a", agg: "at" },
    ])
      expect(checkColumn(bad)).toBeNull();
  });
});
