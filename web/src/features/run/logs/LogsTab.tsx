import { useVirtualizer } from "@tanstack/react-virtual";
import {
  ArrowDownToLine,
  ChevronDown,
  ChevronUp,
  Clock,
  Download,
  ListFilter,
  Search,
  WrapText,
} from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { fetchLog } from "@/api/console";
import type { RunDetail } from "@/api/types";
import { Choice } from "@/ui/Choice";
import { formatCount, formatMoment } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { saveText } from "@/ui/saveText";
import { bindKeys } from "@/ui/shortcuts";
import { useDebounced } from "@/ui/useDebounced";
import { useMediaQuery } from "@/ui/useMediaQuery";
import { LogText } from "./LogText";
import { type LogFilter, useFilteredLog, useLogHead, useLogLines } from "./useLog";
import "@/styles/run.css";

const ROW_PX = 19;
const TYPING_MS = 250;
/** Within this of the end the view counts as being there. */
const END_PX = 24;
const DOWNLOAD_LINES = 10_000;
const ALL = "\u0000all";

/** What the run printed, as it printed it. */
export default function LogsTab({ run }: { run: RunDetail }) {
  const phone = useMediaQuery("(max-width: 760px)");
  const [text, setText] = useState("");
  const search = useDebounced(text, TYPING_MS);
  const [stream, setStream] = useState<LogFilter["stream"]>(null);
  const [writer, setWriter] = useState<string | null>(null);
  const [only, setOnly] = useState(false);
  const [times, setTimes] = useState(false);
  const [wrap, setWrap] = useState(phone);
  const [current, setCurrent] = useState(0);
  const [visible, setVisible] = useState({ first: 0, last: 0 });
  const [saving, setSaving] = useState<number | null>(null);
  const head = useLogHead(run.run_key, run.state === "running");

  const narrowed = stream !== null || writer !== null || (only && search !== "");
  const filter = useMemo((): LogFilter => ({ search, stream, writer }), [search, stream, writer]);
  const matches = useFilteredLog(run.run_key, filter, head.total, search !== "" || narrowed);
  const lineAt = useLogLines(run.run_key, narrowed ? 0 : head.total, visible.first, visible.last);
  const count = narrowed ? matches.lines.length : head.total;
  // The sensors are a writer of their own, which prints nothing.
  const writers = run.writers.filter(({ label }) => label !== "system");
  const several = writers.length > 1;

  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 20,
    onChange: (instance) => {
      const items = instance.getVirtualItems();
      const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
      setVisible((former) => (former.first === first && former.last === last ? former : { first, last }));
    },
  });

  // New lines are followed only by who looks at the end; else nothing moves.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only more lines move the view
  useEffect(() => {
    if (count > 0 && atEnd.current) rows.scrollToIndex(count - 1, { align: "end" });
  }, [count]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: wrapped lines have heights of their own
  useEffect(() => rows.measure(), [wrap]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another search starts at its first match
  useEffect(() => setCurrent(0), [search]);
  useEffect(() => bindKeys({ "/": () => document.getElementById("log-search")?.focus() }), []);

  const jump = (to: number) => {
    const total = matches.lines.length;
    if (total === 0) return;
    const next = (to + total) % total;
    setCurrent(next);
    atEnd.current = false;
    rows.scrollToIndex(narrowed ? next : (matches.lines[next]?.n ?? 0), { align: "center" });
  };
  const chosen = search === "" ? null : (matches.lines[current]?.n ?? null);

  const download = async () => {
    const parts: string[] = [];
    let offset = 0;
    try {
      for (;;) {
        const page = await fetchLog(run.run_key, {
          ...(narrowed ? filter : {}),
          offset,
          limit: DOWNLOAD_LINES,
        });
        parts.push(...page.lines.map((line) => line.text));
        offset = page.next;
        setSaving(parts.length);
        if (offset >= page.total || (page.lines.length === 0 && !narrowed)) break;
      }
      saveText(`${run.name}.log`, "text/plain", `${parts.join("\n")}\n`);
    } finally {
      setSaving(null);
    }
  };

  const error = head.error ?? matches.error;
  return (
    <main id="main" className="logs">
      <h1 className="visually-hidden">{run.name} logs</h1>
      <div className="log-bar" role="toolbar" aria-label="Log">
        <span className="field log-search">
          <Search size={14} aria-hidden="true" />
          <input
            id="log-search"
            type="search"
            aria-label="Search the log"
            placeholder="Search the log"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              jump(current + (event.shiftKey ? -1 : 1));
            }}
          />
          {search !== "" && (
            <output className="field-count" aria-live="polite">
              {matches.loading && matches.lines.length === 0
                ? "…"
                : matches.lines.length === 0
                  ? "none"
                  : `${formatCount(current + 1)} of ${formatCount(matches.lines.length)}${matches.partial ? "+" : ""}`}
            </output>
          )}
        </span>
        {search !== "" && (
          <>
            <IconButton label="Match before" hint="Shift Enter" onClick={() => jump(current - 1)}>
              <ChevronUp size={15} />
            </IconButton>
            <IconButton label="Next match" hint="Enter" onClick={() => jump(current + 1)}>
              <ChevronDown size={15} />
            </IconButton>
            <IconButton
              label="Only matching lines"
              pressed={only}
              className="toggle-icon"
              onClick={() => setOnly(!only)}
            >
              <ListFilter size={15} />
            </IconButton>
          </>
        )}
        <Choice
          label="Stream"
          value={stream ?? ALL}
          options={[
            [ALL, "All output"],
            ["stdout", "stdout"],
            ["stderr", "stderr"],
          ]}
          onChange={(value) => setStream(value === "stdout" || value === "stderr" ? value : null)}
        />
        {several && (
          <Choice
            label="Writer"
            value={writer ?? ALL}
            options={[
              [ALL, "All writers"],
              ...writers.filter(({ label }) => label).map(({ label }) => [label, label] as const),
            ]}
            onChange={(value) => setWriter(value === ALL ? null : value)}
          />
        )}
        <span className="grow" />
        <span className="points-note">
          {narrowed
            ? `${formatCount(count)}${matches.partial ? "+" : ""} of ${formatCount(head.total)} lines`
            : `${formatCount(head.total)} ${head.total === 1 ? "line" : "lines"}`}
        </span>
        <IconButton label="Times" pressed={times} className="toggle-icon" onClick={() => setTimes(!times)}>
          <Clock size={15} />
        </IconButton>
        <IconButton
          label="Wrap long lines"
          pressed={wrap}
          className="toggle-icon"
          onClick={() => setWrap(!wrap)}
        >
          <WrapText size={15} />
        </IconButton>
        <IconButton
          label="Go to the end"
          onClick={() => {
            atEnd.current = true;
            if (count > 0) rows.scrollToIndex(count - 1, { align: "end" });
          }}
        >
          <ArrowDownToLine size={15} />
        </IconButton>
        <IconButton
          label={saving === null ? "Download" : `${formatCount(saving)} lines…`}
          disabled={saving !== null}
          onClick={() => void download()}
        >
          <Download size={15} />
        </IconButton>
      </div>
      {error && <p className="log-error">{error.message}</p>}
      <section
        ref={scroller}
        className={`log ${wrap ? "wrap" : ""} ${times ? "timed" : ""}`}
        aria-label="Log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          atEnd.current = scrollHeight - scrollTop - clientHeight < END_PX;
        }}
      >
        {head.total === 0 && head.state.length === 0 && !head.loading && (
          <div className="empty">
            <b>Nothing was printed</b>
            <span>What the training writes to its terminal appears here while it runs.</span>
          </div>
        )}
        {narrowed && count === 0 && head.total > 0 && !matches.loading && (
          <p className="list-empty">No line matches.</p>
        )}
        <ol className="log-lines" style={{ height: `${rows.getTotalSize()}px` }}>
          {rows.getVirtualItems().map((item) => {
            const line = narrowed ? matches.lines[item.index] : lineAt(item.index);
            const n = line?.n ?? item.index;
            return (
              <li
                key={item.key}
                ref={wrap ? rows.measureElement : undefined}
                data-index={item.index}
                data-n={n}
                className={`log-line ${line?.stream ?? ""} ${n === chosen ? "chosen" : ""}`}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <span className="log-number">{n + 1}</span>
                {times && line && (
                  <time
                    title={formatMoment(line.time * 1000)}
                    dateTime={new Date(line.time * 1000).toISOString()}
                  >
                    {clock(line.time)}
                  </time>
                )}
                {several && line && <span className="log-writer">{line.writer || "main"}</span>}
                <span className="log-text">{line && <LogText text={line.text} search={search} />}</span>
              </li>
            );
          })}
        </ol>
        {narrowed && matches.partial && (
          <button type="button" className="button log-more" disabled={matches.loading} onClick={matches.more}>
            {matches.loading ? "Searching…" : "Search on"}
          </button>
        )}
      </section>
      {head.state.length > 0 && (
        <section className="log-state" aria-label="In progress">
          {head.state.map((open) => (
            <div key={`${open.writer}:${open.stream}`}>
              {several && <span className="log-writer">{open.writer || "main"}</span>}
              <pre>
                {open.text.split("\n").map((line, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
                  <span key={i} className="log-text">
                    <LogText text={line} search="" />
                    {"\n"}
                  </span>
                ))}
              </pre>
            </div>
          ))}
        </section>
      )}
    </main>
  );
}

function clock(seconds: number): string {
  const at = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const milliseconds = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${milliseconds}`;
}
