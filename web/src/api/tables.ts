import { postBody, postJson } from "./request";

export interface TableColumn {
  name: string;
  type: string;
}

export type FilterOp = "=" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "missing" | "present";

export interface TableFilter {
  column: string;
  op: FilterOp;
  value?: string | number | boolean;
}

export interface TableQuery {
  sha256: string;
  offset: number;
  limit: number;
  sort?: readonly { column: string; desc: boolean }[];
  search?: string;
  filters?: readonly TableFilter[];
  group?: readonly string[];
  columns?: readonly string[];
}

/** NaN and infinities come as strings in columns of numbers; `null` is a missing cell. */
export type Cell = unknown;

export interface TableGroup {
  values: readonly Cell[];
  count: number;
  means: Readonly<Record<string, number | string | null>>;
}

export interface TablePage {
  columns: readonly TableColumn[];
  rows: readonly (readonly Cell[])[];
  /** Rows of the table. */
  total: number;
  /** Rows that pass search and filters. */
  match: number;
  groups: readonly TableGroup[] | null;
}

export function fetchTable(runKey: string, query: TableQuery, signal?: AbortSignal): Promise<TablePage> {
  return postJson(`runs/${encodeURIComponent(runKey)}/table`, query, signal);
}

/** Rows of a matrix in row order. */
export interface Vectors {
  values: Float32Array;
  rows: number;
  dim: number;
}

export async function fetchVectors(
  runKey: string,
  sha256: string,
  column: string,
  limit: number,
  signal?: AbortSignal,
): Promise<Vectors> {
  const route = `runs/${encodeURIComponent(runKey)}/table/vectors`;
  const response = await postBody(route, { sha256, column, limit }, signal);
  const values = new Float32Array(await response.arrayBuffer());
  const rows = Number(response.headers.get("X-Rows"));
  const dim = Number(response.headers.get("X-Dim"));
  if (rows * dim !== values.length) {
    throw new Error(`The vectors came cut off: ${values.length} numbers instead of ${rows} × ${dim}.`);
  }
  return { values, rows, dim };
}
