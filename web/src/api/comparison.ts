import type { Column, RunSelection } from "./columns";
import { postJson } from "./request";
import type { RunState, WireNumber } from "./types";

export type CompareSection =
  | "config"
  | "summary"
  | "packages"
  | "hardware"
  | "command"
  | "code"
  | "inputs"
  | "environment";

export interface ComparedRun {
  run_key: string;
  run_id: string;
  name: string;
  number: number;
  state: RunState;
  created_at: number;
  entity: string;
  project: string;
}

export interface ComparedRow {
  key: string;
  values: unknown[];
  present: boolean[];
  differs: boolean;
}

export interface Comparison {
  runs: ComparedRun[];
  /** `same` counts the rows in which all runs are equal. */
  sections: { section: CompareSection; rows: ComparedRow[]; same: number }[];
}

export function fetchComparison(runs: readonly string[], signal?: AbortSignal): Promise<Comparison> {
  return postJson("runs/compare", { runs }, signal);
}

export interface CodeSide {
  commit: string | null;
  branch: string | null;
  remote: string | null;
  dirty: boolean | null;
}

export interface CodeFile {
  path: string;
  status: "added" | "removed" | "changed" | "same" | "unknown";
  kind: "patch" | "untracked" | "source";
  diff: string | null;
  cut: boolean;
}

export interface CodeComparison {
  a: CodeSide;
  b: CodeSide;
  same_commit: boolean | null;
  note: string | null;
  files: CodeFile[];
}

export function fetchCodeComparison(a: string, b: string, signal?: AbortSignal): Promise<CodeComparison> {
  return postJson("runs/compare/code", { a, b }, signal);
}

export interface ConsoleComparison {
  diff: string;
  cut: boolean;
  lines: [number, number];
}

export function fetchConsoleComparison(
  a: string,
  b: string,
  signal?: AbortSignal,
): Promise<ConsoleComparison> {
  return postJson("runs/compare/console", { a, b }, signal);
}

export interface Change {
  section: string;
  key: string;
  before: unknown;
  after: unknown;
  /** How telling it is, 0…1. */
  score: number;
  reason: string;
}

export interface Changed {
  run: string;
  /** Null = there is no earlier run like it. */
  earlier: string | null;
  /** Why this earlier run was taken. */
  why: string;
  changes: Change[];
}

export function fetchChanged(run: string, earlier: string | null, signal?: AbortSignal): Promise<Changed> {
  return postJson("runs/changed", { run, ...(earlier ? { earlier } : {}) }, signal);
}

export interface PivotCell {
  mean: WireNumber;
  std: WireNumber;
  n: number;
  min: WireNumber;
  max: WireNumber;
}

export interface PivotReply {
  rows: unknown[][];
  columns: unknown[][];
  cells: (PivotCell | null)[][];
  best: boolean[][];
  goal: "min" | "max" | null;
}

export interface PivotAsk {
  rows: readonly string[];
  columns: readonly string[];
  value: Column;
  goal: "min" | "max" | null;
}

export function fetchPivot(
  selection: RunSelection,
  ask: PivotAsk,
  signal?: AbortSignal,
): Promise<PivotReply> {
  return postJson("runs/pivot", { ...selection, ...ask }, signal);
}
