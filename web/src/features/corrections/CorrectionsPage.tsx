import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { History, Pencil, PencilRuler, Plus } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { type Correction, changeCorrection, correctionsQuery, deleteCorrection } from "@/api/corrections";
import { seriesLoader } from "@/api/points";
import { projectQuery, queryKeys } from "@/api/queries";
import { Switch } from "@/panels/settings/fields";
import { DeleteButton } from "@/ui/DeleteDialog";
import { ErrorLine } from "@/ui/ErrorLine";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatDay } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { useTitle } from "@/ui/useTitle";
import { CorrectionForm } from "./CorrectionForm";
import "@/styles/corrections.css";

const Versions = lazy(() => import("./Versions"));

interface CorrectionsPageProps {
  entity: string;
  project: string;
  /** A metric to correct: the page opens with a form for it. */
  metric: string | null;
}

/** What the project shows otherwise than it was logged: by whom, since when, and how to undo it. */
export function CorrectionsPage({ entity, project, metric }: CorrectionsPageProps) {
  useTitle(`Corrections of ${project}`);
  const list = useQuery(correctionsQuery(entity, project));
  const detail = useQuery(projectQuery(entity, project));
  const [open, setOpen] = useState<Correction | "new" | null>(metric === null ? null : "new");
  if (list.error) return <ErrorNote error={list.error} />;
  const mayEdit = list.data?.may_edit ?? false;
  const rows = list.data?.corrections ?? [];
  return (
    <main id="main" className="corrections-page">
      <header>
        <h1>Corrections</h1>
        <span className="grow" />
        {mayEdit && open === null && (
          <button type="button" className="button primary" onClick={() => setOpen("new")}>
            <Plus size={14} /> New correction
          </button>
        )}
      </header>
      <p className="muted">
        Charts, tables, the API and exports show metrics as these say, in this order. What runs logged is
        never changed: turn one off, and it is as it was.
      </p>
      {mayEdit && open !== null && (
        <CorrectionForm
          key={open === "new" ? "new" : `${open.id} ${open.version}`}
          entity={entity}
          project={project}
          keys={detail.data?.keys ?? []}
          old={open === "new" ? null : open}
          metric={metric ?? ""}
          onDone={() => setOpen(null)}
        />
      )}
      {list.data && rows.length === 0 && open === null && (
        <div className="empty">
          <PencilRuler size={20} />
          <b>Every metric is shown as it was logged</b>
          <span>
            A metric with two names, a share where others have per cent, a spike of a broken sensor: a
            correction puts it right for everybody, and can be undone.
          </span>
        </div>
      )}
      {rows.length > 0 && (
        <section className="block" aria-label="Corrections of this project">
          <ul className="rows">
            {rows.map((row) => (
              <Row key={row.id} row={row} onEdit={() => setOpen(row)} />
            ))}
          </ul>
        </section>
      )}
    </main>
  );
}

function Row({ row, onEdit }: { row: Correction; onEdit(): void }) {
  const queries = useQueryClient();
  const [showsVersions, setShowsVersions] = useState(false);
  const { entity, project } = row;
  const settle = () => {
    seriesLoader.invalidate(null);
    void queries.invalidateQueries({ queryKey: queryKeys.project(entity, project) });
    void queries.invalidateQueries({ queryKey: queryKeys.runs(entity, project) });
  };
  const turn = useMutation({
    mutationFn: (enabled: boolean) => changeCorrection(row.id, { version: row.version, enabled }),
    onSettled: settle,
  });
  const remove = useMutation({ mutationFn: () => deleteCorrection(row.id), onSettled: settle });
  const error = turn.error ?? remove.error;
  return (
    <li className={row.enabled ? "" : "off"}>
      {row.may_edit && (
        <Switch
          label={`Apply ${row.text}`}
          checked={turn.isPending ? turn.variables : row.enabled}
          onChange={(enabled) => turn.mutate(enabled)}
        />
      )}
      <span className="row-main">
        <b>
          <span className="badge">{row.kind}</span> {row.text}
        </b>
        <span className="muted">{about(row)}</span>
        {row.note && <span>{row.note}</span>}
        {row.conflicts.map((text) => (
          <span key={text} className="warn">
            {text}
          </span>
        ))}
        {error && <ErrorLine error={error} />}
      </span>
      <IconButton label={`Versions of ${row.text}`} onClick={() => setShowsVersions(true)}>
        <History size={15} />
      </IconButton>
      {row.may_edit && (
        <>
          <IconButton label={`Change ${row.text}`} onClick={onEdit}>
            <Pencil size={15} />
          </IconButton>
          <DeleteButton
            label={`Delete ${row.text}`}
            title="Delete correction"
            onDelete={() => remove.mutate()}
          >
            <p>
              Delete “{row.text}” for everybody in this project? Its metrics are then shown as if it had never
              been.
            </p>
          </DeleteButton>
        </>
      )}
      {showsVersions && (
        <Suspense>
          <Versions row={row} onClose={() => setShowsVersions(false)} onChanged={settle} />
        </Suspense>
      )}
    </li>
  );
}

/** On which metrics it acts, who made it, and who changed it since. */
function about({
  keys,
  enabled,
  created_by,
  created_at,
  changed_by,
  changed_at,
  version,
}: Correction): string {
  const on = keys.length > 3 ? `${keys.slice(0, 3).join(", ")} and ${keys.length - 3} more` : keys.join(", ");
  const acts = !enabled ? "turned off" : keys.length === 0 ? "applies to nothing at present" : `on ${on}`;
  const made = `by ${created_by}, ${formatDay(created_at * 1000)}`;
  const changed = version > 1 ? `, changed by ${changed_by}, ${formatDay(changed_at * 1000)}` : "";
  return `${acts} · ${made}${changed}`;
}
