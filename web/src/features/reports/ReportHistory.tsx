import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type Report, reportDiffQuery, reportVersionsQuery, restoreReport } from "@/api/reports";
import { PatchView } from "@/features/run/code/PatchView";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatCount, formatMoment } from "@/ui/humanize";
import "@/styles/run.css";
import "@/styles/media.css";

interface ReportHistoryProps {
  report: Report;
  onClose(): void;
  onChanged(): void;
}

/** Every version of a report: what each changed, and how to have it again. */
export default function ReportHistory({ report, onClose, onChanged }: ReportHistoryProps) {
  const navigate = useNavigate();
  const versions = useQuery(reportVersionsQuery(report.id));
  const [chosen, setChosen] = useState<number | null>(null);
  const newest = versions.data?.[0]?.version ?? report.version;
  const shown = chosen ?? newest;
  const restore = useMutation({
    mutationFn: (earlier: number) => restoreReport(report.id, newest, earlier),
    onSuccess: onClose,
    onSettled: onChanged,
  });
  const open = (version: number) => {
    onClose();
    void navigate({
      to: "/$entity/$project/reports/$report_id",
      params: { entity: report.entity, project: report.project, report_id: report.id },
      search: version === newest ? {} : { version: String(version) },
    });
  };
  return (
    <Dialog title="History of edits" open onClose={onClose} size="wide">
      <div className="report-history">
        {versions.error && <ErrorNote error={versions.error} />}
        <ol className="rows" aria-label="Versions">
          {versions.data?.map((one) => (
            <li key={one.version} aria-current={one.version === shown ? "true" : undefined}>
              <button type="button" className="row-main" onClick={() => setChosen(one.version)}>
                <b>
                  {one.version}. {one.title}
                  {one.frozen && <span className="badge">frozen</span>}
                  {!one.published && <span className="badge">draft</span>}
                </b>
                <span className="muted">
                  {one.author}, {formatMoment(one.time * 1000)} · {formatCount(one.bytes)} bytes
                </span>
              </button>
            </li>
          ))}
        </ol>
        <section aria-label={`What version ${shown} changed`}>
          <header>
            <b>{shown === 1 ? "The first version" : `What version ${shown} changed`}</b>
            <span className="grow" />
            <button type="button" className="button" onClick={() => open(shown)}>
              Open
            </button>
            {report.may_edit && shown !== newest && (
              <button
                type="button"
                className="button"
                disabled={restore.isPending}
                onClick={() => restore.mutate(shown)}
              >
                Restore
              </button>
            )}
          </header>
          {restore.error && <p className="bad">{restore.error.message}</p>}
          {shown > 1 && <Difference id={report.id} earlier={shown - 1} later={shown} />}
        </section>
      </div>
    </Dialog>
  );
}

/** How the text of one version differs from another's. */
export function Difference({ id, earlier, later }: { id: string; earlier: number; later: number }) {
  const found = useQuery(reportDiffQuery(id, earlier, later));
  if (found.error) return <ErrorNote error={found.error} />;
  if (found.data === undefined) return <p className="list-empty">Comparing…</p>;
  if (found.data === "") return <p className="muted">The text is the same; only its state was changed.</p>;
  return <PatchView text={`diff --git a/report.md b/report.md\n${found.data}`} />;
}
