import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { type Cell, fetchTable, type TablePage, type TableQuery } from "@/api/tables";

export const PAGE_ROWS = 200;

/** How rows are read: from the server, or from what a report keeps of them. */
export interface TableReader {
  /** Tells cached rows of one reader from those of others. */
  id: string;
  read(runKey: string, query: TableQuery, signal?: AbortSignal): Promise<TablePage>;
}

export const SERVER_TABLES: TableReader = { id: "", read: fetchTable };

export const TablesContext = createContext<TableReader>(SERVER_TABLES);

/** What is asked of a table; pages of it are fetched as they are scrolled to. */
export type TableAsk = Omit<TableQuery, "offset" | "limit">;

export interface TablePages {
  /** The first page, which also knows columns and counts. */
  head: TablePage | null;
  error: Error | null;
  loading: boolean;
  row(index: number): readonly Cell[] | null;
}

/** The rows of a table between *first* and *last*, and those that were fetched before. */
export function useTablePages(runKey: string, ask: TableAsk, first: number, last: number): TablePages {
  const reader = useContext(TablesContext);
  const name = JSON.stringify(ask);
  const page = (number: number) => ({
    queryKey: ["table", runKey, name, number, reader.id],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      reader.read(runKey, { ...ask, offset: number * PAGE_ROWS, limit: PAGE_ROWS }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const head = useQuery({ ...page(0), placeholderData: keepPreviousData });
  const wanted: number[] = [];
  for (let n = Math.floor(first / PAGE_ROWS); n <= Math.floor(last / PAGE_ROWS); n++)
    if (n > 0) wanted.push(n);
  const rest = useQueries({ queries: wanted.map(page) });
  const found = new Map(wanted.map((number, i) => [number, rest[i]?.data]));
  const data = head.data ?? null;
  const row = (index: number) => {
    const number = Math.floor(index / PAGE_ROWS);
    const held = number === 0 ? data : found.get(number);
    return held?.rows[index % PAGE_ROWS] ?? null;
  };
  const error = head.error ?? rest.find((result) => result.error)?.error ?? null;
  const loading = head.isPending || head.isPlaceholderData || rest.some((result) => result.isPending);
  return { head: data, error, loading, row };
}

/** Rows beyond this are not written to a file from the page. */
export const EXPORT_ROWS = 200_000;

/** All rows that pass, page by page, for a file. */
export async function fetchAllRows(
  reader: TableReader,
  runKey: string,
  ask: TableAsk,
  onProgress: (rows: number) => void,
): Promise<{ columns: TablePage["columns"]; rows: (readonly Cell[])[]; match: number }> {
  const rows: (readonly Cell[])[] = [];
  const limit = 1000;
  for (;;) {
    const page = await reader.read(runKey, { ...ask, offset: rows.length, limit });
    rows.push(...page.rows);
    onProgress(rows.length);
    if (page.rows.length < limit || rows.length >= Math.min(page.match, EXPORT_ROWS)) {
      return { columns: page.columns, rows, match: page.match };
    }
  }
}
