import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Pencil, ShieldCheck, Trash2, Trophy, Unlink } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import {
  deleteModel,
  type ModelDetail,
  type ModelVersion,
  modelEventsQuery,
  modelKeys,
  modelQuery,
  unlinkVersion,
} from "@/api/models";
import { DeleteDialog } from "@/ui/DeleteDialog";
import { Dialog } from "@/ui/Dialog";
import { ErrorLine } from "@/ui/ErrorLine";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatBytes, formatCount, formatMoment } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { useTitle } from "@/ui/useTitle";
import { AliasChips } from "../artifacts/AliasChips";
import { EventList } from "../artifacts/EventList";
import { ModelForm } from "./ModelForm";
import { PromoteForm } from "./PromoteForm";
import "@/styles/artifacts.css";

const Markdown = lazy(() => import("@/ui/Markdown"));

const EVENTS = 50;

/** A registered model: its versions, which of them counts for what, and who decided that. */
export function ModelPage({ id }: { id: string }) {
  const found = useQuery(modelQuery(id));
  const [limit, setLimit] = useState(EVENTS);
  const events = useQuery({ ...modelEventsQuery(id, limit), placeholderData: keepPreviousData });
  useTitle(found.data?.name ?? "Model");
  if (found.error) return <ErrorNote error={found.error} />;
  const model = found.data;
  if (!model) return <main id="main" className="page" aria-busy="true" />;
  return (
    <main id="main" className="page model-page">
      <ModelHead model={model} />
      {model.description && (
        <section className="block" aria-label="Description">
          <Suspense fallback={<p className="plain-notes">{model.description}</p>}>
            <Markdown text={model.description} />
          </Suspense>
        </section>
      )}
      <Aliases model={model} />
      <Versions model={model} />
      {events.data && (
        <EventList
          events={events.data.events}
          total={events.data.total}
          onMore={() => setLimit(limit + EVENTS)}
        />
      )}
    </main>
  );
}

function ModelHead({ model }: { model: ModelDetail }) {
  const [asking, setAsking] = useState<"edit" | "delete" | null>(null);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { entity, project } = model;
  const remove = useMutation({
    mutationFn: () => deleteModel(model.id),
    onSuccess: () => void navigate({ to: "/$entity/$project/models", params: { entity, project } }),
    onSettled: () => queries.invalidateQueries({ queryKey: modelKeys.all }),
  });
  const close = () => setAsking(null);
  return (
    <header className="page-head">
      <h1>
        <Link to="/$entity/$project/models" params={{ entity, project }} className="muted">
          Models /
        </Link>{" "}
        {model.name}
      </h1>
      <span className="grow" />
      {model.may_admin && (
        <>
          <IconButton label="Change the model" onClick={() => setAsking("edit")}>
            <Pencil size={15} />
          </IconButton>
          <IconButton label="Delete the model" onClick={() => setAsking("delete")}>
            <Trash2 size={15} />
          </IconButton>
        </>
      )}
      <Dialog title="Change the model" open={asking === "edit"} onClose={close}>
        <ModelForm entity={entity} project={project} old={model} onDone={close} />
      </Dialog>
      <DeleteDialog
        title="Delete the model"
        open={asking === "delete"}
        onClose={close}
        onDelete={() => remove.mutate()}
      >
        <p>
          Delete {model.name} for everybody? The artifacts that are its versions stay. What was promoted, when
          and by whom stays in the record.
        </p>
        {remove.error && <ErrorLine error={remove.error} />}
      </DeleteDialog>
    </header>
  );
}

/** Which version has which alias, and what it had to meet. */
function Aliases({ model }: { model: ModelDetail }) {
  const aliases = Object.entries(model.aliases).sort(([a], [b]) => a.localeCompare(b));
  return (
    <section className="figures" aria-label="Aliases">
      {aliases.map(([alias, number]) => (
        <div key={alias} className="figure">
          <b>v{number}</b>
          <span>
            {alias}
            {model.protected_aliases.includes(alias) && (
              <ShieldCheck size={13} aria-label="protected: an admin gives it" />
            )}
          </span>
        </div>
      ))}
      <div className="figure checks">
        <span>
          {model.checks.length === 0
            ? "Nothing is checked before a promotion"
            : "A promotion needs, of the version's run:"}
        </span>
        {model.checks.map((check) => (
          <code key={check}>{check}</code>
        ))}
      </div>
    </section>
  );
}

function Versions({ model }: { model: ModelDetail }) {
  const queries = useQueryClient();
  const [promoting, setPromoting] = useState<ModelVersion | null>(null);
  const unlink = useMutation({
    mutationFn: (number: number) => unlinkVersion(model.id, number),
    onSettled: () => queries.invalidateQueries({ queryKey: modelKeys.all }),
  });
  if (model.version_rows.length === 0) {
    return (
      <div className="empty small">
        <b>No versions yet</b>
        <span>
          Link one from the page of an artifact's version, or from code:{" "}
          <code>run.link_model(path, "{model.name}")</code>
        </span>
      </div>
    );
  }
  return (
    <section className="block table-scroll" aria-label="Versions">
      <h2>
        Versions <span className="count">{formatCount(model.version_rows.length)}</span>
      </h2>
      <table className="plain-table artifact-table">
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Aliases</th>
            <th scope="col">Artifact</th>
            <th scope="col">Run</th>
            <th scope="col">Linked</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {model.version_rows.map((row) => (
            <tr key={row.number} className={row.unlinked ? "off" : ""}>
              <th scope="row">v{row.number}</th>
              <td>
                <AliasChips aliases={row.aliases} />
              </td>
              <td className="wide">
                <SourceLink row={row} />
              </td>
              <td>
                {row.run ? (
                  <Link className="link" to="/r/$run_key" params={{ run_key: row.run.run_key }}>
                    {row.run.name}
                  </Link>
                ) : (
                  "–"
                )}
              </td>
              <td>
                {row.linked_by}, <span className="muted">{formatMoment(row.linked_at * 1000)}</span>
                {row.note && <q className="note">{row.note}</q>}
              </td>
              <td className="nowrap">
                {model.may_edit && !row.unlinked && (
                  <>
                    <IconButton label={`Promote v${row.number}`} onClick={() => setPromoting(row)}>
                      <Trophy size={15} />
                    </IconButton>
                    <IconButton
                      label={`Take v${row.number} out`}
                      disabled={row.aliases.length > 0}
                      onClick={() => unlink.mutate(row.number)}
                    >
                      <Unlink size={15} />
                    </IconButton>
                  </>
                )}
                {row.unlinked && <span className="badge">taken out</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {unlink.error && (
        <p className="bad" role="alert">
          {unlink.error.message}
        </p>
      )}
      <Dialog
        title={`Promote v${promoting?.number ?? ""}`}
        open={promoting !== null}
        onClose={() => setPromoting(null)}
      >
        {promoting && <PromoteForm model={model} row={promoting} onDone={() => setPromoting(null)} />}
      </Dialog>
    </section>
  );
}

function SourceLink({ row: { source } }: { row: ModelVersion }) {
  if (!source) return <span className="muted">in a project that you may not see</span>;
  const { entity, project, name, type, version } = source;
  return (
    <>
      <Link
        className="link"
        to="/$entity/$project/artifacts/$type/$name/$version/$tab"
        params={{ entity, project, type, name, version: `v${version}`, tab: "overview" }}
      >
        {project}/{name}:v{version}
      </Link>{" "}
      <span className="muted">{source.removed ? "removed" : formatBytes(source.bytes)}</span>
    </>
  );
}
