import { expect, test } from "vitest";
import { type KeptTable, pageOf } from "@/features/reports/keptTable";

const TABLE: KeptTable = {
  columns: [
    { name: "n", type: "integer" },
    { name: "loss", type: "number" },
    { name: "who", type: "text" },
  ],
  rows: [
    [1, 0.5, "Ada"],
    [2, "NaN", "bea"],
    [3, null, "cleo"],
    [4, "-Infinity", "ada"],
    [5, 0.25, null],
  ],
  total: 9,
};

const ask = (query: Partial<Parameters<typeof pageOf>[1]>) =>
  pageOf(TABLE, { sha256: "", offset: 0, limit: 100, ...query });
const numbers = (query: Partial<Parameters<typeof pageOf>[1]>) => ask(query).rows.map(([n]) => n);

test("rows that are kept come in pages, and the whole table's length is said", () => {
  const page = ask({ offset: 1, limit: 2 });
  expect(page.rows.map(([n]) => n)).toEqual([2, 3]);
  expect([page.match, page.total]).toEqual([5, 9]);
});

test("missing values and NaN are last both ways, infinities in their place", () => {
  expect(numbers({ sort: [{ column: "loss", desc: false }] })).toEqual([4, 5, 1, 2, 3]);
  expect(numbers({ sort: [{ column: "loss", desc: true }] })).toEqual([1, 5, 4, 2, 3]);
});

test("search and filters find what the server would", () => {
  expect(numbers({ search: "ADA" })).toEqual([1, 4]);
  expect(numbers({ filters: [{ column: "loss", op: "<", value: 0.5 }] })).toEqual([4, 5]);
  expect(numbers({ filters: [{ column: "who", op: "missing" }] })).toEqual([5]);
  expect(numbers({ filters: [{ column: "who", op: "!=", value: "ada" }] })).toEqual([1, 2, 3]);
});

test("groups have counts and means of the numbers in them", () => {
  const groups = ask({ search: "a", group: ["who"] }).groups;
  expect(groups?.map(({ values, count }) => [values[0], count])).toContainEqual(["Ada", 1]);
  expect(groups?.find(({ values }) => values[0] === "Ada")?.means).toEqual({ n: 1, loss: 0.5 });
});

test("a column that is not there is named", () => {
  expect(() => ask({ sort: [{ column: "x", desc: false }] })).toThrow("The table has no column “x”.");
});
