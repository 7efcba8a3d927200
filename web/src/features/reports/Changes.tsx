import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CheckCircle2, ChevronDown, ChevronRight, Snowflake, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { type Report, type ReportDelta, reportChangesQuery } from "@/api/reports";
import { formatCount, formatMoment } from "@/ui/humanize";

/** What a frozen report says of itself: since when, and what has changed since. */
export function Changes({ report }: { report: Report }) {
  const { frozen } = report;
  const found = useQuery({
    ...reportChangesQuery(report.id, report.version),
    enabled: frozen !== null,
    retry: false,
  });
  const [open, setOpen] = useState(false);
  if (!frozen) return null;
  const changes = found.data?.changes ?? [];
  const state = found.isPending ? "asking" : changes.length > 0 ? "changed" : found.error ? "" : "same";
  return (
    <section className={`report-changes ${state}`} aria-label="What has changed since it was frozen">
      <p>
        <Snowflake size={14} aria-hidden="true" />
        <span>
          Frozen {formatMoment(frozen.at * 1000)} by {frozen.by}: figures and numbers are those of then.
        </span>
        <span className="grow" />
        {state === "same" && (
          <span className="changes-same">
            <CheckCircle2 size={14} aria-hidden="true" /> The runs still say the same
          </span>
        )}
        {state === "changed" && (
          <button type="button" className="changes-count" aria-expanded={open} onClick={() => setOpen(!open)}>
            <TriangleAlert size={14} aria-hidden="true" />
            {formatCount(changes.length)} {changes.length === 1 ? "thing has" : "things have"} changed since
            {open ? <ChevronDown size={14} /> : <ChevronRight size={14} />}
          </button>
        )}
        {state === "asking" && <span className="muted">comparing…</span>}
        {found.error && <span className="bad">{found.error.message}</span>}
      </p>
      {open && (
        <ul>
          {changes.map((change) => (
            <li key={`${change.kind} ${change.text}`}>
              <span className="badge">{KINDS[change.kind] ?? change.kind}</span>
              <span>{change.text}</span>
              <ChangedRuns change={change} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const KINDS: Readonly<Record<string, string>> = {
  gone: "gone",
  moved: "moved",
  state: "state",
  points: "points",
  values: "values",
  config: "config",
  name: "name",
  set: "run set",
  correction: "correction",
  formula: "number",
  text: "text",
};

function ChangedRuns({ change }: { change: ReportDelta }) {
  const [run] = change.runs;
  if (change.runs.length !== 1 || !run || change.kind === "gone") return null;
  return (
    <Link className="link-button" to="/r/$run_key" params={{ run_key: run }}>
      open
    </Link>
  );
}
