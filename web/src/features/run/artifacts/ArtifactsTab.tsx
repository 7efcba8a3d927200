import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { type LoggedRow, runArtifactsQuery, type UseRow } from "@/api/artifacts";
import type { RunDetail } from "@/api/types";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatBytes, formatCount, formatMoment } from "@/ui/humanize";
import { AliasChips } from "../../artifacts/AliasChips";
import "@/styles/run.css";
import "@/styles/artifacts.css";

const LineageView = lazy(() => import("../../lineage/LineageView"));

/** What the run used and what it made. */
export default function ArtifactsTab({ run }: { run: RunDetail }) {
  const found = useQuery({
    ...runArtifactsQuery(run.run_key),
    refetchInterval: ({ state }) =>
      state.data?.logged.some((row) => row.state === "pending") ? 2_000 : false,
  });
  if (found.error) return <ErrorNote error={found.error} />;
  const { logged, used } = found.data ?? { logged: [], used: [] };
  const nothing = found.data && logged.length === 0 && used.length === 0;
  return (
    <main id="main" className="page" aria-busy={!found.data}>
      <h1 className="visually-hidden">{run.name} artifacts</h1>
      {nothing && (
        <div className="empty">
          <b>This run used and made no artifacts</b>
          <span>
            <code>run.use_artifact("data:latest")</code> and <code>run.log_artifact("model.pt")</code> say
            what it had and what it left.
          </span>
        </div>
      )}
      {used.length > 0 && (
        <section className="block" aria-label="Used">
          <h2>
            Used <span className="count">{used.length}</span>
          </h2>
          <ul className="rows">
            {used.map((row) => (
              <UsedLine
                key={`${row.entity}/${row.project}/${row.name}:${row.version} ${row.used_at}`}
                row={row}
              />
            ))}
          </ul>
        </section>
      )}
      {logged.length > 0 && (
        <section className="block" aria-label="Made">
          <h2>
            Made <span className="count">{logged.length}</span>
          </h2>
          <ul className="rows">
            {logged.map((row) => (
              <LoggedLine key={row.record} row={row} entity={run.entity} project={run.project} />
            ))}
          </ul>
        </section>
      )}
      {found.data && !nothing && (
        <Suspense fallback={<section className="block" aria-busy="true" />}>
          <LineageView root={{ runKey: run.run_key }} />
        </Suspense>
      )}
    </main>
  );
}

function UsedLine({ row }: { row: UseRow }) {
  const { entity, project, name, type, version } = row;
  return (
    <li>
      <span className="row-main">
        {!row.visible ? (
          <span className="muted">Something in a project that you may not see</span>
        ) : row.exists && type !== null ? (
          <Link
            className="row-link"
            to="/$entity/$project/artifacts/$type/$name/$version/$tab"
            params={{ entity, project, type, name, version: `v${version}`, tab: "overview" }}
          >
            {name}:v{version}
          </Link>
        ) : (
          <b>
            {name}:v{version} <span className="badge">not there any more</span>
          </b>
        )}
        <span className="muted">
          {row.visible && `${entity}/${project} · `}
          {row.used_as && `as ${row.used_as} · `}
          {formatMoment(row.used_at * 1000)}
        </span>
      </span>
      {type !== null && <span className="badge">{type}</span>}
    </li>
  );
}

interface LoggedLineProps {
  row: LoggedRow;
  entity: string;
  project: string;
}

function LoggedLine({ row, entity, project }: LoggedLineProps) {
  const { version } = row;
  return (
    <li>
      <span className="row-main">
        {version ? (
          <b>
            <Link
              className="row-link"
              to="/$entity/$project/artifacts/$type/$name/$version/$tab"
              params={{
                entity: version.entity || entity,
                project: version.project || project,
                type: row.type,
                name: row.name,
                version: `v${version.version}`,
                tab: "overview",
              }}
            >
              {row.name}:v{version.version}
            </Link>
            <AliasChips aliases={version.aliases} />
          </b>
        ) : (
          <b>{row.name}</b>
        )}
        <span className="muted">
          {formatCount(row.files)} {row.files === 1 ? "file" : "files"}, {formatBytes(row.bytes)} ·{" "}
          {formatMoment(row.logged_at * 1000)}
          {row.equals && " · its content was there already, nothing was stored twice"}
        </span>
        {row.state === "pending" && (
          <span className="warn">
            {row.reason ||
              `${formatCount(row.missing_files)} files, ${formatBytes(row.missing_bytes)} to come`}
          </span>
        )}
        {row.state === "refused" && <span className="bad">Refused: {row.reason}</span>}
      </span>
      <span className="badge">{row.type}</span>
    </li>
  );
}
