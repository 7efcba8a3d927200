import { create } from "zustand";
import { type Column, columnId, decodeColumn, encodeColumn } from "@/api/columns";
import type { Goal } from "@/api/statistics";

/** A column of the table: what it shows, and how. */
export interface TableColumn {
  column: Column;
  /** A curve of the metric instead of one value. */
  spark: boolean;
  pinned: boolean;
  hidden: boolean;
  /** In CSS pixels; null = by kind. */
  width: number | null;
}

export interface PivotSpec {
  rows: readonly string[];
  columns: readonly string[];
  value: Column | null;
  goal: Goal | null;
}

export type TableMode = "table" | "pivot" | "bin";

/** What the table adds to the view that it shares with the workspace. */
export interface TableState {
  mode: TableMode;
  /** Null = chosen by how much they vary. */
  columns: readonly TableColumn[] | null;
  /** A sort by what a view's sort cannot name: a metric at a step, or where another is best. */
  sort: { column: Column; desc: boolean } | null;
  /** Key of the run to which all are compared. */
  baseline: string | null;
  /** What counts as better, where a metric does not say it or says it otherwise; by column id. */
  goals: Readonly<Record<string, Goal>>;
  pivot: PivotSpec;
}

export const EMPTY_PIVOT: PivotSpec = { rows: [], columns: [], value: null, goal: null };

export const DEFAULT_TABLE: TableState = {
  mode: "table",
  columns: null,
  sort: null,
  baseline: null,
  goals: {},
  pivot: EMPTY_PIVOT,
};

export const useTable = create<TableState>(() => DEFAULT_TABLE);

export function changeTable(change: Partial<TableState>): void {
  useTable.setState(change);
}

export function idOf({ column, spark }: Pick<TableColumn, "column" | "spark">): string {
  return spark ? `~${columnId(column)}` : columnId(column);
}

export function tableColumn(column: Column, change: Partial<TableColumn> = {}): TableColumn {
  return { column, spark: false, pinned: false, hidden: false, width: null, ...change };
}

/** Moves a column before (or behind) another; it takes over whether that one is pinned. */
export function moveColumn(
  columns: readonly TableColumn[],
  id: string,
  target: string,
  behind: boolean,
): readonly TableColumn[] {
  const moved = columns.find((column) => idOf(column) === id);
  const place = columns.find((column) => idOf(column) === target);
  if (!moved || !place || moved === place) return columns;
  const rest = columns.filter((column) => column !== moved);
  const at = rest.indexOf(place) + (behind ? 1 : 0);
  return [...rest.slice(0, at), { ...moved, pinned: place.pinned }, ...rest.slice(at)];
}

// ── as parameters of an address ────────────────────────────────────────────────────────────────────────────

/** The table as parameters; what is at its default is left out. */
export function encodeTable(table: TableState): Record<string, string> {
  const params: Record<string, string> = {};
  if (table.mode !== "table") params.mode = table.mode;
  if (table.columns) params.cols = JSON.stringify(table.columns.map(encodeTableColumn));
  if (table.sort) params.by = JSON.stringify([table.sort.desc ? 1 : 0, ...encodeColumn(table.sort.column)]);
  if (table.baseline) params.base = table.baseline;
  if (Object.keys(table.goals).length > 0) params.goals = JSON.stringify(table.goals);
  const { rows, columns, value, goal } = table.pivot;
  if (rows.length > 0 || columns.length > 0 || value) {
    params.pivot = JSON.stringify([rows, columns, value && encodeColumn(value), goal]);
  }
  return params;
}

/** The table that parameters describe; what is broken falls back to its default. */
export function decodeTable(params: Readonly<Record<string, string>>): TableState {
  return {
    mode: params.mode === "pivot" || params.mode === "bin" ? params.mode : "table",
    columns: decodeColumns(params.cols),
    sort: decodeSort(params.by),
    baseline: params.base || null,
    goals: decodeGoals(params.goals),
    pivot: decodePivot(params.pivot),
  };
}

/** `[[by, agg, …], flags, width]`, the last two only where needed. Flags: p pinned, h hidden, s spark. */
function encodeTableColumn(column: TableColumn): unknown[] {
  const flags = `${column.pinned ? "p" : ""}${column.hidden ? "h" : ""}${column.spark ? "s" : ""}`;
  const short: unknown[] = [encodeColumn(column.column)];
  if (flags || column.width !== null) short.push(flags);
  if (column.width !== null) short.push(column.width);
  return short;
}

const WIDTH_LEAST = 48;
const WIDTH_MOST = 1200;

export function boundWidth(width: number): number {
  return Math.round(Math.min(WIDTH_MOST, Math.max(WIDTH_LEAST, width)));
}

function decodeColumns(text: string | undefined): readonly TableColumn[] | null {
  const list = parse(text);
  if (!Array.isArray(list)) return null;
  const found = new Map<string, TableColumn>();
  for (const item of list) {
    if (!Array.isArray(item)) continue;
    const [short, flags, width]: unknown[] = item;
    const column = decodeColumn(short);
    if (!column) continue;
    const has = (flag: string) => typeof flags === "string" && flags.includes(flag);
    const decoded: TableColumn = {
      column,
      spark: has("s") && column.by.startsWith("metric:"),
      pinned: has("p"),
      hidden: has("h"),
      width: typeof width === "number" && Number.isFinite(width) ? boundWidth(width) : null,
    };
    found.set(idOf(decoded), decoded);
  }
  return found.size > 0 ? [...found.values()] : null;
}

function decodeSort(text: string | undefined): TableState["sort"] {
  const list = parse(text);
  if (!Array.isArray(list)) return null;
  const column = decodeColumn(list.slice(1));
  return column ? { column, desc: list[0] === 1 } : null;
}

function decodeGoals(text: string | undefined): Record<string, Goal> {
  const value = parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, Goal] => isGoal(entry[1])),
  );
}

function decodePivot(text: string | undefined): PivotSpec {
  const list = parse(text);
  if (!Array.isArray(list)) return EMPTY_PIVOT;
  const [rows, columns, value, goal]: unknown[] = list;
  return {
    rows: texts(rows),
    columns: texts(columns),
    value: decodeColumn(value),
    goal: isGoal(goal) ? goal : null,
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function isGoal(value: unknown): value is Goal {
  return value === "min" || value === "max";
}

function parse(text: string | undefined): unknown {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
