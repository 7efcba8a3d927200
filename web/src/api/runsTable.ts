import type { Column, RunSelection } from "./columns";
import { postBody, postJson } from "./request";
import type { RunPage, RunRow, WireNumber } from "./types";

export interface SortBy extends Column {
  desc: boolean;
}

/** What is asked of the table; pages of it are fetched as they are scrolled to. */
export interface TableAsk extends RunSelection {
  sort: readonly SortBy[];
  group?: readonly string[];
  columns: readonly Column[];
  /** Deleted runs instead of the others. */
  deleted?: boolean;
}

export type TableRow = RunRow & { values: readonly unknown[] };

/** One column over the runs of a group. `common` is what all of them have; std with n − 1. */
export interface ColumnSpread {
  mean: WireNumber;
  std: WireNumber;
  min: WireNumber;
  max: WireNumber;
  n: number;
  common: unknown;
  distinct: number;
}

export interface TableGroup {
  path: { by: string; value: unknown }[];
  count: number;
  runs: string[];
  columns: ColumnSpread[];
}

export interface TablePage extends Omit<RunPage, "runs" | "groups"> {
  runs: TableRow[];
  groups: TableGroup[] | null;
}

export function fetchTablePage(
  ask: TableAsk,
  offset: number,
  limit: number,
  signal?: AbortSignal,
): Promise<TablePage> {
  return postJson("runs/query", { ...ask, offset, limit }, signal);
}

export type ExportFormat = "csv" | "tsv" | "parquet" | "latex" | "markdown" | "json";

/** The whole filtered and sorted table as a file. */
export async function fetchTableFile(ask: TableAsk, format: ExportFormat): Promise<Blob> {
  return (await postBody(`runs/export?format=${format}`, ask)).blob();
}

export interface RunsEdit {
  changes?: {
    archived?: boolean;
    deleted?: boolean;
    group?: string | null;
    job_type?: string | null;
    folder?: string | null;
    name?: string;
    notes?: string;
  };
  add_tags?: readonly string[];
  remove_tags?: readonly string[];
  move_to?: { entity: string; project: string };
  copy_to?: { entity: string; project: string };
  stop?: boolean;
  purge?: boolean;
}

export interface RunsEdited {
  changed: number;
  refused: { run_key: string; reason: string }[];
}

export function editRuns(selection: RunSelection, edit: RunsEdit): Promise<RunsEdited> {
  return postJson("runs/edit", { ...selection, ...edit });
}
