import type { Column, RunSelection } from "./columns";
import { postJson } from "./request";
import { parseNumber, type RunState, type WireNumber } from "./types";

export type { Column } from "./columns";

export type ColumnKind = "number" | "category" | "mixed" | "time";

interface MatrixReply {
  runs: string[];
  numbers: number[];
  names: string[];
  states: RunState[];
  created_at: number[];
  columns: { by: string; agg: string; kind: ColumnKind; values: unknown[] }[];
  match: number;
  cut: boolean;
  seq: number;
}

/** One value per run: numbers with what is not one, or texts. */
export interface MatrixColumn {
  kind: ColumnKind;
  /** NaN where there is no finite number; `present` tells NaN from missing. */
  numbers: Float64Array;
  /** 1 where the run has a value, be it NaN. */
  present: Uint8Array;
  /** The value as text; null = missing. Null as a whole for columns of numbers and times. */
  texts: readonly (string | null)[] | null;
}

/** Columns over runs. All lists have the length of `runs`. */
export interface Matrix {
  runs: readonly string[];
  numbers: readonly number[];
  names: readonly string[];
  states: readonly RunState[];
  createdAt: readonly number[];
  columns: readonly MatrixColumn[];
  /** Runs that match; more than `runs.length` if `cut`. */
  match: number;
  cut: boolean;
  seq: number;
}

/** Runs that a panel draws at most; the panel says so when there are more. */
export const MATRIX_RUNS = 20_000;

export async function fetchMatrix(
  selection: RunSelection,
  columns: readonly Column[],
  signal?: AbortSignal,
  limit = MATRIX_RUNS,
): Promise<Matrix> {
  const reply = await postJson<MatrixReply>("runs/matrix", { ...selection, columns, limit }, signal);
  return {
    runs: reply.runs,
    numbers: reply.numbers,
    names: reply.names,
    states: reply.states,
    createdAt: reply.created_at,
    columns: reply.columns.map(({ kind, values }) => matrixColumn(kind, values)),
    match: reply.match,
    cut: reply.cut,
    seq: reply.seq,
  };
}

/** Values as they travel, made ready to draw. A column of which some are text is text as a whole. */
export function matrixColumn(kind: ColumnKind, values: readonly unknown[]): MatrixColumn {
  const n = values.length;
  const numbers = new Float64Array(n).fill(Number.NaN);
  const present = new Uint8Array(n);
  const numeric = kind === "number" || kind === "time";
  const texts: (string | null)[] | null = numeric ? null : new Array<string | null>(n).fill(null);
  for (let i = 0; i < n; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    present[i] = 1;
    if (numeric) numbers[i] = parseNumber(value as WireNumber) ?? Number.NaN;
    else {
      if (typeof value === "number") numbers[i] = value;
      if (texts) texts[i] = valueText(value);
    }
  }
  return { kind, numbers, present, texts };
}

/** A value of any kind in one line. */
export function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** What is known of a column over the runs that match. */
export interface ColumnInfo extends Column {
  kind: ColumnKind;
  /** Runs that have a value, and those that have none. */
  runs: number;
  missing: number;
  distinct: number;
  min: WireNumber;
  max: WireNumber;
  /** How much it varies, 0…1. */
  spread: number;
}

export function fetchColumns(
  selection: RunSelection,
  signal?: AbortSignal,
): Promise<{ columns: ColumnInfo[]; match: number }> {
  return postJson("runs/columns", selection, signal);
}
