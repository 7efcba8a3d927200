import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { FileText, LayoutTemplate, Plus, Snowflake } from "lucide-react";
import { useState } from "react";
import { projectQuery } from "@/api/queries";
import { createReport, type ReportRow, reportKeys, reportQuery, reportsQuery } from "@/api/reports";
import { mainMetric } from "@/panels/matrix/guess";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatMoment } from "@/ui/humanize";
import { useTitle } from "@/ui/useTitle";
import { filled, TEMPLATES } from "./templates";
import "@/styles/reports.css";

interface ReportsPageProps {
  entity: string;
  project: string;
}

/** The reports of a project. */
export function ReportsPage({ entity, project }: ReportsPageProps) {
  useTitle(`Reports of ${project}`);
  const list = useQuery(reportsQuery(entity, project));
  const [text, setText] = useState("");
  const [asking, setAsking] = useState(false);
  if (list.error) return <ErrorNote error={list.error} />;
  const rows = list.data?.reports ?? [];
  const shown = rows.filter(({ title, excerpt, owner }) =>
    `${title} ${excerpt} ${owner}`.toLowerCase().includes(text.toLowerCase()),
  );
  const mayEdit = list.data?.may_edit ?? false;
  return (
    <main id="main" className="reports-page">
      <header>
        <h1>Reports</h1>
        <span className="grow" />
        {rows.length > 6 && (
          <div className="field">
            <input
              type="search"
              aria-label="Search reports"
              placeholder="Search reports"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
        )}
        {mayEdit && (
          <button type="button" className="button primary" onClick={() => setAsking(true)}>
            <Plus size={14} /> New report
          </button>
        )}
      </header>
      {list.data && rows.length === 0 && (
        <div className="empty">
          <FileText size={20} />
          <b>No reports yet</b>
          <span>
            What was found, with the figures that show it: live while the runs go on, frozen when it has to
            stay as it is. Numbers in it are formulas over runs, so that they cannot go stale unseen.
          </span>
          {mayEdit && (
            <button type="button" className="button" onClick={() => setAsking(true)}>
              Write the first one
            </button>
          )}
        </div>
      )}
      <ul className="report-cards">
        {shown.map((row) => (
          <li key={row.id}>
            <ReportCard row={row} />
          </li>
        ))}
      </ul>
      {rows.length > 0 && shown.length === 0 && <p className="muted">No report has “{text}” in it.</p>}
      {asking && (
        <NewReport
          entity={entity}
          project={project}
          templates={rows.filter(({ template }) => template)}
          onClose={() => setAsking(false)}
        />
      )}
    </main>
  );
}

function ReportCard({ row }: { row: ReportRow }) {
  const { entity, project, id } = row;
  return (
    <Link
      className="report-card"
      to="/$entity/$project/reports/$report_id"
      params={{ entity, project, report_id: id }}
      search={{}}
    >
      <span className="report-card-title">
        <b>{row.title}</b>
        <ReportBadges row={row} />
      </span>
      <span className="report-card-words">{row.excerpt || "Nothing written yet."}</span>
      <span className="report-card-facts">
        <span>{row.owner}</span>
        <span title={formatMoment(row.updated_at * 1000)}>
          changed {formatAge(row.updated_at * 1000, Date.now())}
          {row.updated_by !== row.owner && ` by ${row.updated_by}`}
        </span>
      </span>
    </Link>
  );
}

/** What state a report is in. */
export function ReportBadges({ row }: { row: ReportRow }) {
  return (
    <>
      {!row.published && <span className="badge">draft</span>}
      {row.template && <span className="badge">template</span>}
      {row.frozen && (
        <span className="badge frozen" title={`Frozen ${formatMoment(row.frozen.at * 1000)}`}>
          <Snowflake size={10} aria-hidden="true" /> frozen
        </span>
      )}
    </>
  );
}

interface NewReportProps extends ReportsPageProps {
  templates: readonly ReportRow[];
  onClose(): void;
}

/** Begins a report: with a title, and with what a template has. */
function NewReport({ entity, project, templates, onClose }: NewReportProps) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const detail = useQuery(projectQuery(entity, project));
  const [title, setTitle] = useState("");
  const [chosen, setChosen] = useState("empty");
  const make = useMutation({
    mutationFn: async () => {
      const own = TEMPLATES.find(({ id }) => id === chosen);
      const metric = mainMetric(detail.data?.keys ?? [])?.key ?? null;
      const markdown = own
        ? filled(own.markdown, metric)
        : (await queries.fetchQuery(reportQuery(chosen))).markdown;
      return createReport(entity, project, { title: title.trim() || "Untitled", markdown });
    },
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: reportKeys.list(entity, project) });
      void navigate({
        to: "/$entity/$project/reports/$report_id",
        params: { entity, project, report_id: made.id },
        search: { edit: "1" },
      });
    },
  });
  const choices = [
    ...TEMPLATES,
    ...templates.map(({ id, title: name, excerpt }) => ({ id, title: name, about: excerpt })),
  ];
  return (
    <Dialog title="New report" open onClose={onClose}>
      <form
        className="dialog-body new-report"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <label className="form-field">
          <span>Title</span>
          <input
            className="text-input"
            autoFocus
            value={title}
            maxLength={128}
            placeholder="What it is about"
            onChange={(event) => setTitle(event.target.value)}
          />
        </label>
        <div className="template-list" role="radiogroup" aria-label="Begin with">
          {choices.map(({ id, title: name, about }) => (
            // biome-ignore lint/a11y/useSemanticElements: a card with icon and text; a radio input has no such look
            <button
              key={id}
              type="button"
              role="radio"
              aria-checked={id === chosen}
              onClick={() => setChosen(id)}
            >
              <LayoutTemplate size={15} aria-hidden="true" />
              <span>
                <b>{name}</b>
                <small>{about}</small>
              </span>
            </button>
          ))}
        </div>
        {make.error && <p className="bad">{make.error.message}</p>}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={make.isPending || detail.isPending}>
            Begin
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
