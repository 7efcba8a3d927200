import { type Column, columnId, decodeColumn, encodeColumn } from "@/api/columns";
import type { Goal } from "@/api/statistics";
import type { Json, Settings } from "@/state/layout";
import { isFields } from "@/state/readLayout";
import { changeView, getView, useView } from "@/state/view";

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

export interface ColumnSort {
  column: Column;
  desc: boolean;
}

/** What the table adds to the view that it shares with the workspace; the view keeps it as its `table`. */
export interface TableState {
  mode: TableMode;
  /** Null = chosen by how much they vary. */
  columns: readonly TableColumn[] | null;
  /**
   * Sorts that a view's sort cannot say: by several columns, by a metric at a step or where another is best. The first
   * counts most; none = the view's sort.
   */
  sort: readonly ColumnSort[];
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
  sort: [],
  baseline: null,
  goals: {},
  pivot: EMPTY_PIVOT,
};

/** A table is read once from each settings object, so that its parts stay the same while nothing changes. */
const read = new WeakMap<Settings, TableState>();

function tableOf(settings: Settings): TableState {
  const known = read.get(settings);
  if (known) return known;
  const table = readTable(settings);
  read.set(settings, table);
  return table;
}

/** One value of the open view's table. */
export function useTable<Value>(select: (table: TableState) => Value): Value {
  return useView((view) => select(tableOf(view.table)));
}

export function getTable(): TableState {
  return tableOf(getView().table);
}

export function changeTable(change: Partial<TableState>): void {
  changeView({ table: writeTable({ ...getTable(), ...change }) });
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

// ── as JSON, in addresses and saved views ──────────────────────────────────────────────────────────────────

/** The table as JSON; what is at its default is left out. */
export function writeTable(table: TableState): Settings {
  const settings: Record<string, Json> = {};
  if (table.mode !== "table") settings.mode = table.mode;
  if (table.columns) settings.columns = table.columns.map(writeTableColumn);
  if (table.sort.length > 0) {
    settings.sort = table.sort.map(({ column, desc }) => [encodeColumn(column), desc]);
  }
  if (table.baseline) settings.baseline = table.baseline;
  if (Object.keys(table.goals).length > 0) settings.goals = table.goals;
  const { rows, columns, value, goal } = table.pivot;
  if (rows.length > 0 || columns.length > 0 || value) {
    settings.pivot = { rows, columns, value: value && encodeColumn(value), goal };
  }
  return settings;
}

/** The table that JSON describes; what is broken falls back to its default. */
export function readTable(settings: Settings): TableState {
  const { mode, columns, sort, baseline, goals, pivot } = settings;
  return {
    mode: mode === "pivot" || mode === "bin" ? mode : "table",
    columns: readColumns(columns),
    sort: readSorts(sort),
    baseline: typeof baseline === "string" && baseline ? baseline : null,
    goals: readGoals(goals),
    pivot: readPivot(pivot),
  };
}

/** `[[by, agg, …], flags, width]`, the last two only where needed. Flags: p pinned, h hidden, s spark. */
function writeTableColumn(column: TableColumn): Json[] {
  const flags = `${column.pinned ? "p" : ""}${column.hidden ? "h" : ""}${column.spark ? "s" : ""}`;
  const short: Json[] = [encodeColumn(column.column)];
  if (flags || column.width !== null) short.push(flags);
  if (column.width !== null) short.push(column.width);
  return short;
}

/** The server takes so many. */
export const SORTS_MOST = 8;
const WIDTH_LEAST = 48;
const WIDTH_MOST = 1200;

export function boundWidth(width: number): number {
  return Math.round(Math.min(WIDTH_MOST, Math.max(WIDTH_LEAST, width)));
}

function readColumns(list: unknown): readonly TableColumn[] | null {
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

function readSorts(list: unknown): ColumnSort[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, SORTS_MOST).flatMap((item) => {
    const [short, desc]: unknown[] = Array.isArray(item) ? item : [];
    const column = decodeColumn(short);
    return column ? [{ column, desc: desc === true }] : [];
  });
}

function readGoals(value: unknown): Record<string, Goal> {
  if (!isFields(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, Goal] => isGoal(entry[1])),
  );
}

function readPivot(value: unknown): PivotSpec {
  if (!isFields(value)) return EMPTY_PIVOT;
  return {
    rows: texts(value.rows),
    columns: texts(value.columns),
    value: decodeColumn(value.value),
    goal: isGoal(value.goal) ? value.goal : null,
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function isGoal(value: unknown): value is Goal {
  return value === "min" || value === "max";
}
