import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { HardDrive, Package, Search } from "lucide-react";
import { useState } from "react";
import { type ArtifactRow, type ArtifactType, artifactsQuery } from "@/api/artifacts";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatBytes, formatCount } from "@/ui/humanize";
import { Pager } from "@/ui/Pager";
import { useDebounced } from "@/ui/useDebounced";
import { useTitle } from "@/ui/useTitle";
import { AliasChips } from "./AliasChips";
import "@/styles/artifacts.css";

const PAGE = 100;
const TYPING_MS = 250;

interface ArtifactsPageProps {
  entity: string;
  project: string;
}

/** What runs of the project made and used: data, models, tables, by name and version. */
export function ArtifactsPage({ entity, project }: ArtifactsPageProps) {
  useTitle(`Artifacts of ${project}`);
  const [text, setText] = useState("");
  const [type, setType] = useState("");
  const [offset, setOffset] = useState(0);
  const search = useDebounced(text, TYPING_MS);
  const found = useQuery({
    ...artifactsQuery(entity, project, { type, search, offset, limit: PAGE }),
    placeholderData: keepPreviousData,
  });
  if (found.error) return <ErrorNote error={found.error} />;
  const page = found.data;
  const asked = search !== "" || type !== "";
  return (
    <main id="main" className="page artifacts-page" aria-busy={!page}>
      <header className="page-head">
        <h1>Artifacts</h1>
        <span className="grow" />
        <Link className="button" to="/$entity/$project/storage" params={{ entity, project }}>
          <HardDrive size={14} /> Storage
        </Link>
      </header>
      {page && (page.total > 0 || asked) && (
        <>
          <div className="artifact-bar">
            <span className="field">
              <Search size={14} aria-hidden="true" />
              <input
                type="search"
                aria-label="Search artifacts"
                placeholder="Search artifacts"
                value={text}
                onChange={(event) => {
                  setText(event.target.value);
                  setOffset(0);
                }}
              />
            </span>
            <TypeChips
              types={page.types}
              chosen={type}
              onChoose={(next) => {
                setType(next);
                setOffset(0);
              }}
            />
            <span className="grow" />
            {page.total > PAGE && (
              <>
                <span className="points-note">
                  {formatCount(offset + 1)}–{formatCount(Math.min(offset + PAGE, page.total))} of{" "}
                  {formatCount(page.total)}
                </span>
                <Pager offset={offset} page={PAGE} total={page.total} onMove={setOffset} />
              </>
            )}
          </div>
          {page.artifacts.length > 0 ? (
            <ArtifactTable rows={page.artifacts} />
          ) : (
            <div className="empty small">
              <b>No artifact matches</b>
            </div>
          )}
        </>
      )}
      {page && page.total === 0 && !asked && <FirstArtifact />}
    </main>
  );
}

interface TypeChipsProps {
  types: readonly ArtifactType[];
  chosen: string;
  onChoose(type: string): void;
}

function TypeChips({ types, chosen, onChoose }: TypeChipsProps) {
  if (types.length < 2) return null;
  return (
    <div className="chips" role="toolbar" aria-label="Types">
      {types.map(({ type, artifacts }) => (
        <button
          key={type}
          type="button"
          className="chip"
          aria-pressed={chosen === type}
          onClick={() => onChoose(chosen === type ? "" : type)}
        >
          <span className="chip-text">{type}</span> <span className="count">{artifacts}</span>
        </button>
      ))}
    </div>
  );
}

function ArtifactTable({ rows }: { rows: readonly ArtifactRow[] }) {
  const now = Date.now();
  return (
    <section className="block table-scroll" aria-label="Artifacts">
      <table className="plain-table artifact-table">
        <thead>
          <tr>
            <th scope="col">Artifact</th>
            <th scope="col">Type</th>
            <th scope="col">Aliases</th>
            <th scope="col" className="number">
              Versions
            </th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col" className="number">
              Changed
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row" className="wide">
                <Link
                  className="row-link"
                  to="/$entity/$project/artifacts/$type/$name/$version/$tab"
                  params={{
                    entity: row.entity,
                    project: row.project,
                    type: row.type,
                    name: row.name,
                    version: row.latest === null ? "latest" : `v${row.latest}`,
                    tab: "overview",
                  }}
                >
                  {row.name}
                </Link>
                {row.description && <small className="muted clamp">{row.description}</small>}
              </th>
              <td>
                <span className="badge">{row.type}</span>
              </td>
              <td>
                <AliasChips aliases={Object.keys(row.aliases)} />
              </td>
              <td className="number">
                {formatCount(row.versions)}
                {row.removed > 0 && <small className="muted"> +{formatCount(row.removed)} removed</small>}
              </td>
              <td className="number">{formatBytes(row.bytes)}</td>
              <td className="number">{formatAge(row.updated_at * 1000, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const EXAMPLE = `artifact = treering.Artifact("digits", type="dataset")
artifact.add_dir("data/")
run.log_artifact(artifact)`;

function FirstArtifact() {
  return (
    <div className="empty">
      <Package size={20} />
      <b>No artifacts yet</b>
      <span>Data, models and tables that runs make and use, each version kept with what it came from.</span>
      <pre className="example">{EXAMPLE}</pre>
    </div>
  );
}
