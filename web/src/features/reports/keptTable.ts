// The rows that a report keeps of a logged table, sorted, searched, filtered and grouped as the server does it.

import type { Cell, TableColumn, TableFilter, TableGroup, TablePage, TableQuery } from "@/api/tables";
import { parseNumber, type WireNumber } from "@/api/types";

export interface KeptTable {
  columns: readonly TableColumn[];
  rows: readonly (readonly Cell[])[];
  /** Rows of the whole table, of which the first are kept. */
  total: number;
}

type Row = readonly Cell[];

/** A page of what is kept. Throws for a column that the table does not have. */
export function pageOf({ columns, rows, total }: KeptTable, query: TableQuery): TablePage {
  const { search = "", filters = [], sort = [], group = [] } = query;
  const wanted = search.toLowerCase();
  const tests = filters.map((filter) => testOf(filter, columns));
  let found = rows.filter(
    (row) =>
      (wanted === "" || row.some((cell) => textOf(cell).toLowerCase().includes(wanted))) &&
      tests.every((test) => test(row)),
  );
  for (const { column, desc } of [...sort].reverse()) {
    const place = placeOf(column, columns);
    const numbers = isNumeric(columns[place]);
    found = [...found].sort((a, b) => compare(a[place], b[place], numbers, desc));
  }
  return {
    columns,
    rows: found.slice(query.offset, query.offset + query.limit),
    total,
    match: found.length,
    groups: group.length > 0 ? groupsOf(found, group, columns) : null,
  };
}

function placeOf(name: string, columns: readonly TableColumn[]): number {
  const place = columns.findIndex((column) => column.name === name);
  if (place < 0) throw new Error(`The table has no column “${name}”.`);
  return place;
}

function isNumeric(column: TableColumn | undefined): boolean {
  return column?.type === "number" || column?.type === "integer";
}

function textOf(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

function numberOf(cell: Cell): number {
  if (typeof cell === "number") return cell;
  return parseNumber((cell ?? null) as WireNumber) ?? Number.NaN;
}

/** Missing values and NaN come last both ways. */
function compare(a: Cell, b: Cell, numbers: boolean, desc: boolean): number {
  const lacks = (cell: Cell) =>
    cell === null || cell === undefined || (numbers && Number.isNaN(numberOf(cell)));
  if (lacks(a) || lacks(b)) return Number(lacks(a)) - Number(lacks(b));
  const [x, y] = numbers ? [numberOf(a), numberOf(b)] : [textOf(a), textOf(b)];
  return (x < y ? -1 : x > y ? 1 : 0) * (desc ? -1 : 1);
}

function testOf({ column, op, value }: TableFilter, columns: readonly TableColumn[]): (row: Row) => boolean {
  const place = placeOf(column, columns);
  if (op === "missing" || op === "present") {
    return (row) => (row[place] === null || row[place] === undefined) === (op === "missing");
  }
  if (op === "contains") {
    const wanted = String(value).toLowerCase();
    return (row) => textOf(row[place]).toLowerCase().includes(wanted);
  }
  const numbers = isNumeric(columns[place]);
  return (row) => {
    const cell = row[place];
    if (cell === null || cell === undefined) return false;
    const [x, y] = numbers ? [numberOf(cell), Number(value)] : [textOf(cell), String(value)];
    switch (op) {
      case "=":
        return x === y;
      case "!=":
        return x !== y;
      case "<":
        return x < y;
      case "<=":
        return x <= y;
      case ">":
        return x > y;
      default:
        return x >= y;
    }
  };
}

function groupsOf(
  rows: readonly Row[],
  by: readonly string[],
  columns: readonly TableColumn[],
): TableGroup[] {
  const places = by.map((name) => placeOf(name, columns));
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const name = JSON.stringify(places.map((place) => row[place] ?? null));
    const its = found.get(name);
    if (its) its.push(row);
    else found.set(name, [row]);
  }
  return [...found.values()]
    .map((its) => ({
      values: places.map((place) => its[0]?.[place] ?? null),
      count: its.length,
      means: Object.fromEntries(
        columns.flatMap((column, place) =>
          isNumeric(column) && !places.includes(place) ? [[column.name, meanOf(its, place)]] : [],
        ),
      ),
    }))
    .sort((a, b) => b.count - a.count);
}

function meanOf(rows: readonly Row[], place: number): number | null {
  const numbers = rows.map((row) => numberOf(row[place])).filter((value) => !Number.isNaN(value));
  return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}
