import { useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useMemo, useState } from "react";
import { fetchProcessConsole, type Process, type Where } from "@/api/processes";
import { slotColor } from "@/charts/core/palette";
import { useTheme } from "@/state/theme";
import { formatCount, formatMoment } from "@/ui/humanize";
import { Swatch } from "@/ui/Swatch";
import { useDebounced } from "@/ui/useDebounced";
import { LogText } from "../run/logs/LogText";

interface ProcessLogProps {
  where: Where;
  processes: readonly Process[];
  chosen: readonly string[];
  running: boolean;
}

const PAGE_LINES = 500;
/** A search looks through so many lines at once. */
const SEARCHED_LINES = 10_000;
const RUNNING_EVERY_MS = 3_000;
const TYPING_MS = 250;
/** Behind every line there is. */
const END = Number.MAX_SAFE_INTEGER;

/** What the processes printed, by time, each line with its rank. The end first; earlier lines are asked for. */
export function ProcessLog({ where, processes, chosen, running }: ProcessLogProps) {
  const theme = useTheme((store) => store.name);
  const [text, setText] = useState("");
  const search = useDebounced(text, TYPING_MS);
  const only = chosen.length > 0 ? chosen : null;
  const limit = search ? SEARCHED_LINES : PAGE_LINES;
  const ask = { processes: only, limit, search };
  const pages = useInfiniteQuery({
    queryKey: ["processes", "console", where, only, search],
    queryFn: ({ pageParam, signal }) => fetchProcessConsole(where, { ...ask, before: pageParam }, signal),
    initialPageParam: END,
    getNextPageParam: ({ total }, _, before) => {
      const first = Math.min(before, total) - limit;
      return first > 0 ? first : undefined;
    },
    refetchInterval: running ? RUNNING_EVERY_MS : false,
    retry: false,
  });
  const lines = useMemo(
    () => [...(pages.data?.pages ?? [])].reverse().flatMap((page) => page.lines),
    [pages.data],
  );
  const total = pages.data?.pages[0]?.total ?? 0;
  const hosts = useMemo(() => new Map(processes.map(({ id, host }) => [id, host])), [processes]);
  return (
    <div className="process-log">
      <div className="log-bar">
        <span className="field log-search">
          <Search size={14} aria-hidden="true" />
          <input
            type="search"
            aria-label="Search what was printed"
            placeholder="Search what was printed"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
        <span className="grow" />
        <span className="points-note">
          {formatCount(lines.length)} of {formatCount(total)} {total === 1 ? "line" : "lines"}
        </span>
      </div>
      {pages.error && <p className="log-error">{pages.error.message}</p>}
      {pages.hasNextPage && (
        <button
          type="button"
          className="button log-more"
          disabled={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          {pages.isFetchingNextPage ? "Loading…" : "Earlier lines"}
        </button>
      )}
      {pages.data && lines.length === 0 && (
        <div className="empty">
          <b>{search ? "No line matches" : "Nothing was printed"}</b>
        </div>
      )}
      <ol className="process-lines" aria-label="Lines by time">
        {lines.map((line) => (
          <li key={`${line.n} ${line.process}`} className={`log-line ${line.stream}`}>
            <time
              title={formatMoment(line.time * 1_000)}
              dateTime={new Date(line.time * 1_000).toISOString()}
            >
              {new Date(line.time * 1_000).toTimeString().slice(0, 8)}
            </time>
            <span className="log-rank" title={hosts.get(line.process) ?? undefined}>
              <Swatch color={slotColor(line.rank, theme)} dash={[]} />
              rank {line.rank}
            </span>
            <span className="log-text">
              <LogText text={line.text} search={search} />
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}
