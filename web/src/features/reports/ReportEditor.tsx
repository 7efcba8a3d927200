import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useBlocker, useNavigate } from "@tanstack/react-router";
import { Columns2, FileCode, FileText } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { ApiError } from "@/api/error";
import { changeReport, fetchReport, type Report, reportKeys } from "@/api/reports";
import { bindKeys } from "@/ui/shortcuts";
import { useDebounced } from "@/ui/useDebounced";
import { useMediaQuery } from "@/ui/useMediaQuery";
import { Conflict } from "./Conflict";
import { keepDraft, readDraft } from "./draft";
import { Numbers } from "./Numbers";
import { SourcePane } from "./SourcePane";
import { useShown } from "./useShown";
import "@/styles/reports.css";
import "@/styles/report-editor.css";

const PageEditor = lazy(() => import("./editor/PageEditor"));

type Layout = "page" | "both" | "source";

const LAYOUTS: readonly (readonly [Layout, string, typeof FileText])[] = [
  ["page", "Page", FileText],
  ["both", "Page and Markdown", Columns2],
  ["source", "Markdown", FileCode],
];

/** Formulas and figures follow what is written at this pace. */
const TYPING_MS = 500;
const DRAFT_MS = 400;

/** A report while it is written: the page as it will look, the Markdown beside it. Nothing is saved unasked. */
export default function ReportEditor({ report }: { report: Report }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [draft] = useState(() => readDraft(report.id));
  const [title, setTitle] = useState(draft?.title ?? report.title);
  const [markdown, setMarkdown] = useState(draft?.markdown ?? report.markdown);
  /** The version that this text goes on from, and its text then. */
  const [base, setBase] = useState({
    version: draft?.version ?? report.version,
    title: report.title,
    markdown: report.markdown,
  });
  /** What somebody else saved meanwhile, and the version that this text goes on from. */
  const [other, setOther] = useState<{ theirs: Report; from: Report } | null>(null);
  const phone = useMediaQuery("(max-width: 900px)");
  const [layout, setLayout] = useState<Layout>("page");
  const shown = useShown(report, useDebounced(markdown, TYPING_MS));
  const dirty = markdown !== base.markdown || title.trim() !== base.title;
  const kept = useDebounced(dirty ? JSON.stringify([base.version, title, markdown]) : "", DRAFT_MS);
  useEffect(() => {
    keepDraft(report.id, kept && dirty ? { version: base.version, title, markdown } : null);
  }, [kept, dirty, report.id, base.version, title, markdown]);

  const settle = (saved: Report) => {
    void queries.invalidateQueries({ queryKey: reportKeys.one(report.id) });
    void queries.invalidateQueries({ queryKey: reportKeys.list(report.entity, report.project) });
    setBase({ version: saved.version, title: saved.title, markdown: saved.markdown });
    setOther(null);
    keepDraft(report.id, null);
  };
  const save = useMutation({
    mutationFn: (version: number) =>
      changeReport(report.id, { version, title: title.trim() || "Untitled", markdown }),
    onSuccess: settle,
    onError: async (error) => {
      if (!(error instanceof ApiError) || error.status !== 409) return;
      // A draft of another day may go on from a version that this page never showed.
      const [theirs, from] = await Promise.all([
        fetchReport(report.id),
        fetchReport(report.id, base.version),
      ]);
      setOther({ theirs, from });
    },
  });
  const leave = () =>
    void navigate({
      to: "/$entity/$project/reports/$report_id",
      params: { entity: report.entity, project: report.project, report_id: report.id },
      search: {},
    });
  const done = async () => {
    if (dirty) await save.mutateAsync(base.version);
    leave();
  };
  useEffect(
    () =>
      bindKeys({
        "Ctrl S": () => save.mutate(base.version),
      }),
    [save.mutate, base.version],
  );
  // What is written stays in the tab; leaving the site asks all the same.
  useBlocker({ shouldBlockFn: () => false, enableBeforeUnload: dirty });

  const conflict = save.error instanceof ApiError && save.error.status === 409;
  const way: Layout = phone && layout === "both" ? "page" : layout;
  return (
    <main id="main" className={`report-page editing way-${way}`}>
      <header className="report-head">
        <h1 className="visually-hidden">Write {base.title}</h1>
        <div className="report-title">
          <input
            className="title-input"
            aria-label="Title"
            value={title}
            maxLength={128}
            placeholder="Title"
            onChange={(event) => setTitle(event.target.value)}
          />
          <span className="grow" />
          <span className="save-state" role="status">
            {save.isPending
              ? "saving…"
              : dirty
                ? "not saved"
                : save.isSuccess
                  ? `saved as version ${base.version}`
                  : ""}
          </span>
          <fieldset className="segmented icons" aria-label="What is shown">
            {LAYOUTS.filter(([name]) => !(phone && name === "both")).map(([name, label, Icon]) => (
              <button
                key={name}
                type="button"
                aria-pressed={name === way}
                aria-label={label}
                title={label}
                onClick={() => setLayout(name)}
              >
                <Icon size={15} />
              </button>
            ))}
          </fieldset>
          <button
            type="button"
            className="button"
            title="Ctrl S"
            disabled={!dirty || save.isPending}
            onClick={() => save.mutate(base.version)}
          >
            Save
          </button>
          <button
            type="button"
            className="button primary"
            disabled={save.isPending}
            onClick={() => void done().catch(() => {})}
          >
            Done
          </button>
          {dirty && (
            <button
              type="button"
              className="button"
              onClick={() => {
                keepDraft(report.id, null);
                setTitle(base.title);
                setMarkdown(base.markdown);
              }}
            >
              Discard
            </button>
          )}
        </div>
        {draft && draft.markdown !== report.markdown && dirty && (
          <p className="report-note">
            This is what you wrote here before and did not save.
            {draft.version !== report.version &&
              " Somebody saved another version since; you will be asked when you save."}
          </p>
        )}
        {save.error && !conflict && (
          <p className="bad" role="alert">
            {save.error.message}
          </p>
        )}
        {report.frozen && (
          <p className="report-note">
            This report is frozen: figures and numbers that you add or change show the runs as they are now,
            until it is frozen again.
          </p>
        )}
        <Problems shown={shown.evaluation?.problems ?? []} />
        <Numbers
          place={report}
          markdown={markdown}
          onReplace={(number, formula) => setMarkdown(replaceNumber(markdown, number, formula))}
        />
      </header>
      <div className="editor-panes">
        {way !== "source" && (
          <section className="page-pane" aria-label="Page">
            <Suspense fallback={<div className="report-coming" />}>
              <PageEditor markdown={markdown} place={report} shown={shown} onChange={setMarkdown} />
            </Suspense>
          </section>
        )}
        {way !== "page" && <SourcePane markdown={markdown} place={report} onChange={setMarkdown} />}
      </div>
      {other && (
        <Conflict
          mine={{ title, markdown }}
          theirs={other.theirs}
          base={other.from}
          onClose={() => setOther(null)}
          onMerged={(merged) => {
            setTitle(merged.title);
            setMarkdown(merged.markdown);
            const { version, title: theirTitle, markdown: theirText } = other.theirs;
            setBase({ version, title: theirTitle, markdown: theirText });
            setOther(null);
            save.reset();
          }}
        />
      )}
    </main>
  );
}

function Problems({ shown }: { shown: readonly string[] }) {
  if (shown.length === 0) return null;
  return (
    <ul className="report-problems" aria-label="What is wrong">
      {shown.map((problem) => (
        <li key={problem}>{problem}</li>
      ))}
    </ul>
  );
}

/** The text with a formula in the place of a number that was typed. */
function replaceNumber(
  markdown: string,
  { line, column, text }: { line: number; column: number; text: string },
  formula: string,
): string {
  const lines = markdown.split("\n");
  const here = lines[line - 1] ?? "";
  // Columns count characters, of which a line of JavaScript may have two for one.
  const at = [...here].slice(0, column - 1).join("").length;
  if (!here.startsWith(text, at)) return markdown;
  lines[line - 1] = `${here.slice(0, at)}{{ ${formula} }}${here.slice(at + text.length)}`;
  return lines.join("\n");
}
