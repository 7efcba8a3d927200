import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import type { ApiError } from "@/api/error";
import { fetchRuns, queryKeys } from "@/api/queries";
import type { RunGroup, RunQuery, RunRow } from "@/api/types";
import { useView } from "@/state/view";
import { useDebounced } from "@/ui/useDebounced";

const PAGE = 500;
/** Runs loaded without being scrolled to, because charts draw them. */
const EAGER_RUNS = 1000;
const TYPING_MS = 200;

export interface Runs {
  rows: readonly RunRow[];
  groups: readonly RunGroup[] | null;
  /** Runs that pass filter and search. */
  match: number;
  /** Runs of the project. */
  total: number;
  /** Sequence number of the first page, where the live feed starts. */
  seq: number | null;
  loading: boolean;
  error: ApiError | null;
  /** What was asked for, after the last letter typed. */
  asked: { filter: string; search: string; regex: boolean };
  /** Loads the next page, if there is one. */
  more(): void;
}

const NO_ROWS: readonly RunRow[] = [];

/** The runs of the project in the order of the view. Sorting, filtering and grouping are the server's. */
export function useRuns(entity: string, project: string): Runs {
  const search = useDebounced(
    useView((view) => view.runSearch),
    TYPING_MS,
  );
  const filter = useDebounced(
    useView((view) => view.filter),
    TYPING_MS,
  );
  const regex = useView((view) => view.runRegex);
  const sort = useView((view) => view.sort);
  const group = useView((view) => view.group);

  const query = useMemo((): RunQuery => {
    const metric = sort.by.startsWith("metric:") ? sort.by.slice("metric:".length) : null;
    const config = sort.by.startsWith("config.") ? [sort.by.slice("config.".length)] : [];
    return {
      entity,
      project,
      ...(filter.trim() ? { filter: filter.trim() } : {}),
      ...(search ? { search, regex } : {}),
      sort: [
        metric === null ? { by: sort.by, desc: sort.desc } : { by: sort.by, agg: sort.agg, desc: sort.desc },
      ],
      ...(group.length > 0 ? { group: [...group] } : {}),
      metrics: metric === null ? [] : [metric],
      config: [
        ...config,
        ...group.filter((by) => by.startsWith("config.")).map((by) => by.slice("config.".length)),
      ],
    };
  }, [entity, project, filter, search, regex, sort, group]);

  const result = useInfiniteQuery({
    queryKey: [...queryKeys.runs(entity, project), query],
    queryFn: ({ pageParam, signal }) => fetchRuns({ ...query, offset: pageParam, limit: PAGE }, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const loaded = pages.reduce((count, page) => count + page.runs.length, 0);
      return last.runs.length > 0 && loaded < last.match ? loaded : undefined;
    },
    // Typing a filter keeps the former list until the new one is here, instead of flashing an empty one.
    placeholderData: keepPreviousData,
    retry: (failures, error) => (error as ApiError).status === 0 && failures < 3,
  });

  const pages = result.data?.pages;
  const rows = useMemo(() => (pages ? unique(pages.flatMap((page) => page.runs)) : NO_ROWS), [pages]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = result;
  const more = () => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  };
  useEffect(() => {
    if (rows.length < EAGER_RUNS && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [rows.length, hasNextPage, isFetchingNextPage, fetchNextPage]);

  const first = pages?.[0];
  return {
    rows,
    groups: first?.groups ?? null,
    match: first?.match ?? 0,
    total: first?.total ?? 0,
    seq: first?.seq ?? null,
    loading: result.isPending,
    error: result.error as ApiError | null,
    asked: { filter: filter.trim(), search, regex },
    more,
  };
}

/** A run may move to the next page while pages are fetched one after the other; it is then listed once. */
function unique(rows: readonly RunRow[]): RunRow[] {
  const seen = new Set<string>();
  return rows.filter(({ run_key }) => !seen.has(run_key) && seen.add(run_key));
}
