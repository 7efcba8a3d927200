import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import type { ApiError } from "@/api/error";
import { queryKeys } from "@/api/queries";
import { fetchTablePage, type TableAsk, type TablePage, type TableRow } from "@/api/runsTable";

export const PAGE_ROWS = 100;

/** Rows that stand together: all runs, or those of one group. */
export interface Block {
  /** Narrows the question to the block; "" = all. */
  filter: string;
  count: number;
}

/** A page of a block. */
export interface PageName {
  block: Block;
  page: number;
}

export interface TablePages {
  /** Counts, groups, and where the live feed starts. */
  head: TablePage | null;
  error: ApiError | null;
  loading: boolean;
  /** The shown rows are those of the question before. */
  stale: boolean;
  /** Null = not here yet. */
  row(block: Block, index: number): TableRow | null;
}

/** The pages of a table that are in view, and what is known of the whole. */
export function useTablePages(ask: TableAsk, wanted: readonly PageName[]): TablePages {
  const { entity, project } = ask;
  const page = ({ block, page: number }: PageName) => {
    // Groups are asked for once, by the head.
    const { group: _, ...plain } = ask;
    const body = { ...plain, ...(block.filter ? { filter: block.filter } : {}) };
    return {
      queryKey: [...queryKeys.runs(entity, project), "table", body, number],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        fetchTablePage(body, number * PAGE_ROWS, PAGE_ROWS, signal),
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
    };
  };
  const grouped = (ask.group?.length ?? 0) > 0;
  const head = useQuery({
    queryKey: [...queryKeys.runs(entity, project), "table-head", ask],
    queryFn: ({ signal }) => fetchTablePage(ask, 0, grouped ? 0 : PAGE_ROWS, signal),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    retry: (failures, error) => (error as ApiError).status === 0 && failures < 3,
  });
  const first = grouped ? null : head.data;
  // The head of an ungrouped table is its first page.
  const rest = wanted.filter(({ page: number }) => grouped || number > 0);
  const results = useQueries({ queries: rest.map(page) });
  const found = new Map<string, TablePage>();
  rest.forEach((name, i) => {
    const data = results[i]?.data;
    if (data) found.set(`${name.block.filter}|${name.page}`, data);
  });
  const row = (block: Block, index: number): TableRow | null => {
    const number = Math.floor(index / PAGE_ROWS);
    const held = !grouped && number === 0 ? first : found.get(`${block.filter}|${number}`);
    return held?.runs[index % PAGE_ROWS] ?? null;
  };
  return {
    head: head.data ?? null,
    error: (head.error ?? results.find((result) => result.error)?.error ?? null) as ApiError | null,
    loading: head.isPending || results.some((result) => result.isPending),
    stale: head.isPlaceholderData,
    row,
  };
}
