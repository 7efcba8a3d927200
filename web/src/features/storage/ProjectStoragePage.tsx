import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import {
  artifactQuery,
  type ProjectStorage,
  projectStorageQuery,
  removeVersions,
  type StoragePart,
} from "@/api/artifacts";
import { queryKeys } from "@/api/queries";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatBytes, formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { useTitle } from "@/ui/useTitle";
import "@/styles/artifacts.css";

interface ProjectStoragePageProps {
  entity: string;
  project: string;
}

/** What a project takes on the server's disk, who and what takes it, and what can go. */
export function ProjectStoragePage({ entity, project }: ProjectStoragePageProps) {
  useTitle(`Storage of ${project}`);
  const found = useQuery(projectStorageQuery(entity, project));
  if (found.error) return <ErrorNote error={found.error} />;
  const storage = found.data;
  if (!storage) return <main id="main" className="page" aria-busy="true" />;
  return (
    <main id="main" className="page">
      <header className="page-head">
        <h1>Storage</h1>
      </header>
      <section className="figures" aria-label="Sums">
        <Figure bytes={storage.bytes} name="in all, equal content once" />
        <Figure bytes={storage.log_bytes} name="of run logs" />
        {storage.removed_bytes > 0 && (
          <Figure bytes={storage.removed_bytes} name="of removed versions, to be collected" />
        )}
      </section>
      <Parts title="What it is" head="Purpose" rows={storage.by_purpose} whole={storage.bytes} />
      <Artifacts entity={entity} project={project} storage={storage} />
      <Runs storage={storage} />
      {storage.by_user.length > 1 && (
        <Parts title="Whose it is" head="Person" rows={storage.by_user} whole={storage.bytes} />
      )}
    </main>
  );
}

function Figure({ bytes, name }: { bytes: number; name: string }) {
  return (
    <div className="figure">
      <b>{formatBytes(bytes)}</b>
      <span>{name}</span>
    </div>
  );
}

interface PartsProps {
  title: string;
  head: string;
  rows: readonly StoragePart[];
  whole: number;
}

function Parts({ title, head, rows, whole }: PartsProps) {
  if (rows.length === 0) return null;
  return (
    <section className="block table-scroll" aria-label={title}>
      <h2>{title}</h2>
      <table className="plain-table">
        <PartHead name={head} />
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row" className="wide">
                {row.name || <i className="muted">nobody</i>}
              </th>
              <PartCells row={row} whole={whole} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function PartHead({ name, last }: { name: string; last?: string }) {
  return (
    <thead>
      <tr>
        <th scope="col">{name}</th>
        <th scope="col" className="number">
          Files
        </th>
        <th scope="col" className="number">
          Size
        </th>
        <th scope="col" className="number wide-cell" title="Of its size, what others refer to as well">
          Shared
        </th>
        <th scope="col" className="wide-cell">
          Share of all
        </th>
        {last !== undefined && (
          <th scope="col">
            <span className="visually-hidden">{last}</span>
          </th>
        )}
      </tr>
    </thead>
  );
}

function PartCells({ row, whole }: { row: StoragePart; whole: number }) {
  const share = whole > 0 ? (100 * row.bytes) / whole : 0;
  return (
    <>
      <td className="number">{formatCount(row.files)}</td>
      <td className="number">{formatBytes(row.bytes)}</td>
      <td className="number wide-cell">{row.shared_bytes > 0 ? formatBytes(row.shared_bytes) : "–"}</td>
      <td className="wide-cell">
        <progress className="meter" max={100} value={share} aria-label={`${Math.round(share)} %`} />
      </td>
    </>
  );
}

interface ArtifactsProps extends ProjectStoragePageProps {
  storage: ProjectStorage;
}

function Artifacts({ entity, project, storage }: ArtifactsProps) {
  const [cleaning, setCleaning] = useState<string | null>(null);
  if (storage.artifacts.length === 0) return null;
  return (
    <section className="block table-scroll" aria-label="Artifacts">
      <h2>
        Artifacts <span className="count">{storage.artifacts.length}</span>
      </h2>
      <table className="plain-table">
        <PartHead name="Artifact" last="Clean up" />
        <tbody>
          {storage.artifacts.map((row) => (
            <tr key={row.name}>
              <th scope="row" className="wide">
                <Link
                  className="row-link"
                  to="/$entity/$project/artifacts/$type/$name/$version/$tab"
                  params={{
                    entity,
                    project,
                    type: row.type,
                    name: row.name,
                    version: "latest",
                    tab: "overview",
                  }}
                >
                  {row.name}
                </Link>{" "}
                <span className="muted">
                  {formatCount(row.versions)} {row.versions === 1 ? "version" : "versions"}
                </span>
              </th>
              <PartCells row={row} whole={storage.bytes} />
              <td>
                <IconButton label={`Clean up ${row.name}`} onClick={() => setCleaning(row.name)}>
                  <Trash2 size={15} />
                </IconButton>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Dialog title={`Clean up ${cleaning ?? ""}`} open={cleaning !== null} onClose={() => setCleaning(null)}>
        {cleaning !== null && (
          <CleanUp entity={entity} project={project} name={cleaning} onDone={() => setCleaning(null)} />
        )}
      </Dialog>
    </section>
  );
}

/** Versions that a clean-up looks at. */
const LISTED = 500;

interface CleanUpProps extends ProjectStoragePageProps {
  name: string;
  onDone(): void;
}

/** Chooses versions of an artifact and removes them together. */
function CleanUp({ entity, project, name, onDone }: CleanUpProps) {
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [why, setWhy] = useState("");
  const list = useQuery(artifactQuery({ entity, project, name }, false, LISTED));
  const remove = useMutation({
    mutationFn: () =>
      removeVersions(entity, project, {
        versions: [...chosen].map((version) => ({ name, version })),
        why,
        with_aliases: false,
        dry_run: false,
      }),
    onSuccess: ({ refused }) => {
      if (refused.length === 0) onDone();
      setChosen(new Set());
    },
    onSettled: () => queries.invalidateQueries({ queryKey: queryKeys.project(entity, project) }),
  });
  if (list.error) return <ErrorNote error={list.error} />;
  const rows = list.data?.version_rows ?? [];
  const bytes = rows.filter((row) => chosen.has(row.version)).reduce((sum, row) => sum + row.bytes, 0);
  const turn = (version: number) => {
    const next = new Set(chosen);
    if (!next.delete(version)) next.add(version);
    setChosen(next);
  };
  return (
    <div className="dialog-body">
      <ul className="rows clean-rows">
        {rows.map((row) => {
          const kept = row.protected.length > 0;
          return (
            <li key={row.version}>
              <label className="check">
                <input
                  type="checkbox"
                  checked={chosen.has(row.version)}
                  disabled={kept}
                  onChange={() => turn(row.version)}
                />
                v{row.version}
              </label>
              <span className="grow muted">{kept ? row.protected.join(", ") : row.aliases.join(", ")}</span>
              <span className="muted">{formatBytes(row.bytes)}</span>
            </li>
          );
        })}
      </ul>
      <label className="form-field">
        Why
        <input className="text-input" value={why} onChange={(event) => setWhy(event.target.value)} />
      </label>
      {remove.data?.refused.map((one) => (
        <p key={one.version} className="warn">
          v{one.version} stays: {one.reason}
        </p>
      ))}
      {remove.error && (
        <p className="bad" role="alert">
          {remove.error.message}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onDone}>
          Close
        </button>
        <button
          type="button"
          className="button danger"
          disabled={chosen.size === 0 || remove.isPending}
          onClick={() => remove.mutate()}
        >
          Remove {formatCount(chosen.size)} ({formatBytes(bytes)})
        </button>
      </footer>
    </div>
  );
}

function Runs({ storage }: { storage: ProjectStorage }) {
  if (storage.runs.length === 0) return null;
  return (
    <section className="block table-scroll" aria-label="Runs">
      <h2>The largest runs</h2>
      <table className="plain-table">
        <PartHead name="Run" />
        <tbody>
          {storage.runs.map((row) => (
            <tr key={row.run_key}>
              <th scope="row" className="wide">
                <Link className="row-link" to="/r/$run_key" params={{ run_key: row.run_key }}>
                  {row.run}
                </Link>{" "}
                <span className="muted">log {formatBytes(row.log_bytes)}</span>
              </th>
              <PartCells row={row} whole={storage.bytes} />
            </tr>
          ))}
        </tbody>
      </table>
      {storage.more_runs > 0 && (
        <p className="muted">
          and {formatCount(storage.more_runs)} more. Runs are deleted and removed for good in the runs table.
        </p>
      )}
    </section>
  );
}
