import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { MessageSquare } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { commentsQuery } from "@/api/comments";
import { type Report, reportQuery } from "@/api/reports";
import { getAccess } from "@/api/session";
import { Threads } from "@/comments/Threads";
import { useLiveProject } from "@/grid/useLiveProject";
import { DEFAULT_VIEW, openView } from "@/state/view";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatMoment } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { useMediaQuery } from "@/ui/useMediaQuery";
import { useTitle } from "@/ui/useTitle";
import { Changes } from "./Changes";
import { Contents } from "./Contents";
import { readDraft } from "./draft";
import { Present } from "./Present";
import { ReportBody } from "./ReportBody";
import { ReportMenu } from "./ReportMenu";
import { ReportBadges } from "./ReportsPage";
import { useShown } from "./useShown";
import "@/styles/reports.css";

const ReportEditor = lazy(() => import("./ReportEditor"));

interface ReportPageProps {
  entity: string;
  project: string;
  id: string;
  editing: boolean;
  presenting: boolean;
  /** An earlier version; null for the report as it is. */
  version: number | null;
}

/** A report, read or written. */
export function ReportPage({ id, editing, presenting, version, entity, project }: ReportPageProps) {
  const found = useQuery(reportQuery(id, version));
  useTitle(found.data?.title ?? "Report");
  // The charts of a report begin without the zoom and settings that a workspace was left with.
  const [fresh, setFresh] = useState(false);
  useEffect(() => {
    openView(DEFAULT_VIEW);
    setFresh(true);
  }, []);
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data || !fresh) return <main id="main" className="report-page" aria-busy="true" />;
  const report = found.data;
  if (editing && report.may_edit) {
    return (
      <Suspense fallback={<main id="main" className="report-page" aria-busy="true" />}>
        <ReportEditor key={report.id} report={report} />
      </Suspense>
    );
  }
  return (
    <ReadReport
      key={`${report.id} ${report.version}`}
      report={report}
      presenting={presenting}
      earlier={version !== null}
      place={{ entity, project }}
    />
  );
}

interface ReadReportProps {
  report: Report;
  presenting: boolean;
  earlier: boolean;
  place: { entity: string; project: string };
}

function ReadReport({ report, presenting, earlier, place }: ReadReportProps) {
  const navigate = useNavigate();
  const shown = useShown(report, report.markdown, earlier);
  useLiveProject(place.entity, place.project, shown.evaluation?.seq ?? null);
  const body = useRef<HTMLElement>(null);
  const [drawn, setDrawn] = useState(0);
  const onDrawn = useCallback(() => setDrawn((count) => count + 1), []);
  const [talk, setTalk] = useState<string | null>(null);
  const threads = useThreads(report);
  const go = (search: Record<string, string>) =>
    void navigate({
      to: "/$entity/$project/reports/$report_id",
      params: { entity: report.entity, project: report.project, report_id: report.id },
      search,
    });
  const draft = report.may_edit && !earlier ? readDraft(report.id) : null;
  const mayTalk = getAccess().kind !== "share" && !earlier;
  return (
    <main
      id="main"
      className={`report-page ${presenting ? "presenting" : ""} ${talk !== null ? "talking" : ""}`}
    >
      <header className="report-head">
        <div className="report-title">
          <h1>{report.title}</h1>
          <ReportBadges row={report} />
          <span className="grow" />
          {mayTalk && (
            <IconButton
              label={`${talk === null ? "Show" : "Hide"} comments${threads.open > 0 ? ` (${threads.open} open)` : ""}`}
              pressed={talk !== null}
              data-count={threads.open || undefined}
              onClick={() => setTalk(talk === null ? "" : null)}
            >
              <MessageSquare size={15} />
            </IconButton>
          )}
          {report.may_edit && !earlier && (
            <button type="button" className="button" onClick={() => go({ edit: "1" })}>
              Edit
            </button>
          )}
          <ReportMenu report={report} earlier={earlier} onPresent={() => go({ present: "1" })} />
        </div>
        <p className="report-facts">
          <span>{report.owner}</span>
          <span title={formatMoment(report.updated_at * 1000)}>
            {earlier
              ? `version ${report.version}, ${formatMoment(report.updated_at * 1000)} by ${report.updated_by}`
              : `changed ${formatAge(report.updated_at * 1000, Date.now())}${report.updated_by === report.owner ? "" : ` by ${report.updated_by}`}`}
          </span>
          {earlier && (
            <button type="button" className="link-button" onClick={() => go({})}>
              the report as it is
            </button>
          )}
        </p>
        {draft && (
          <p className="report-note">
            You began to write here and did not save it.
            <button type="button" className="link-button" onClick={() => go({ edit: "1" })}>
              Go on writing
            </button>
          </p>
        )}
        {!earlier && <Changes report={report} />}
        {shown.error && <ErrorNote error={shown.error} />}
      </header>
      <div className="report-columns">
        <Contents body={body} drawn={drawn} />
        <article ref={body}>
          {report.markdown.trim() ? (
            <ReportBody
              markdown={report.markdown}
              place={report}
              shown={shown}
              onDrawn={onDrawn}
              onComment={mayTalk ? setTalk : undefined}
              comments={threads.parts}
            />
          ) : (
            <div className="empty">
              <b>Nothing is written yet</b>
              {report.may_edit && (
                <button type="button" className="button primary" onClick={() => go({ edit: "1" })}>
                  Begin to write
                </button>
              )}
            </div>
          )}
        </article>
        {talk !== null && <Talk report={report} part={talk} body={body} onPart={setTalk} />}
      </div>
      {presenting && <Present body={body} drawn={drawn} title={report.title} onClose={() => go({})} />}
    </main>
  );
}

/** How many threads are open on a report, and on which of its figures. */
function useThreads(report: Report): { open: number; parts: ReadonlyMap<string, number> } {
  const found = useQuery({
    ...commentsQuery(report.entity, report.project, "report", report.id),
    enabled: getAccess().kind !== "share",
    retry: false,
  });
  return useMemo(() => {
    const mine = (found.data?.open ?? []).filter(({ kind, id }) => kind === "report" && id === report.id);
    return {
      open: mine.reduce((count, { open }) => count + open, 0),
      parts: new Map(mine.map(({ part, open }) => [part, open])),
    };
  }, [found.data, report.id]);
}

interface TalkProps {
  report: Report;
  part: string;
  body: { current: HTMLElement | null };
  onPart(part: string): void;
}

/** What is said of a report, beside it; on a phone below. */
function Talk({ report, part, body, onPart }: TalkProps) {
  const phone = useMediaQuery("(max-width: 760px)");
  const here = useRef<HTMLElement>(null);
  useEffect(() => {
    if (phone) here.current?.scrollIntoView({ block: "start" });
  }, [phone]);
  const show = (name: string) => {
    onPart(name);
    const number = name.replace(/^figure /, "");
    body.current
      ?.querySelector(`[aria-label="Figure ${CSS.escape(number)}"]`)
      ?.scrollIntoView({ block: "center" });
  };
  return (
    <aside ref={here} className="report-talk" aria-label="Comments">
      <h2>
        Comments
        {part && (
          <button type="button" className="link-button" onClick={() => onPart("")}>
            on the whole report
          </button>
        )}
      </h2>
      <Threads
        entity={report.entity}
        project={report.project}
        target={{ kind: "report", id: report.id, part }}
        allParts
        onPart={show}
      />
    </aside>
  );
}
