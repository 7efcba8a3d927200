import { keepPreviousData, useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { fetchLog, type LogLine, type OpenLine } from "@/api/console";

const PAGE = 500;
/** Behind every line: asks for the count and the unfinished lines alone. */
const END = 2 ** 52;
const RUNNING_MS = 1_500;

export interface LogFilter {
  search: string;
  writer: string | null;
  stream: "stdout" | "stderr" | null;
}

export interface LogHead {
  total: number;
  state: readonly OpenLine[];
  error: Error | null;
  loading: boolean;
}

/** How many lines there are, and what is not finished yet. */
export function useLogHead(runKey: string, running: boolean): LogHead {
  const found = useQuery({
    queryKey: ["run", runKey, "console", "head"],
    queryFn: ({ signal }) => fetchLog(runKey, { offset: END, limit: 1 }, signal),
    refetchInterval: running ? RUNNING_MS : false,
  });
  return {
    total: found.data?.total ?? 0,
    state: found.data?.state ?? [],
    error: found.error,
    loading: found.isPending,
  };
}

/** Lines by number; pages are fetched as they are scrolled to. */
export function useLogLines(
  runKey: string,
  total: number,
  first: number,
  last: number,
): (n: number) => LogLine | null {
  const pages: number[] = [];
  for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) pages.push(page);
  const found = useQueries({
    queries: pages.map((page) => {
      const count = Math.max(0, Math.min(PAGE, total - page * PAGE));
      return {
        // A page that grows is another page; the former one stays until it is here.
        queryKey: ["log-lines", runKey, page, count],
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          fetchLog(runKey, { offset: page * PAGE, limit: PAGE }, signal),
        enabled: count > 0,
        staleTime: Number.POSITIVE_INFINITY,
        placeholderData: keepPreviousData,
      };
    }),
  });
  return (n) => {
    const at = pages.indexOf(Math.floor(n / PAGE));
    const line = found[at]?.data?.lines[n % PAGE];
    // What is kept until a page is here may be another page's.
    return line?.n === n ? line : null;
  };
}

const MATCHES = 2_000;

/** The lines that pass a filter, as far as they were looked for; `more` looks on. */
export function useFilteredLog(runKey: string, filter: LogFilter, total: number, enabled: boolean) {
  const found = useInfiniteQuery({
    queryKey: ["log-matches", runKey, filter],
    queryFn: ({ pageParam, signal }) =>
      fetchLog(runKey, { ...filter, offset: pageParam, limit: MATCHES }, signal),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.next < page.total ? page.next : undefined),
    enabled,
    placeholderData: keepPreviousData,
  });
  const lines = enabled ? (found.data?.pages.flatMap((page) => page.lines) ?? []) : [];
  const searched = found.data?.pages.at(-1)?.next ?? 0;
  return {
    lines,
    /** Not all lines have been looked at. */
    partial: enabled && searched < total,
    loading: enabled && found.isFetching,
    error: found.error,
    more: () => void found.fetchNextPage(),
  };
}
