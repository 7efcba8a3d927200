import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import {
  type ArtifactDetail,
  type ArtifactName,
  artifactQuery,
  type VersionDetail,
  type VersionRow,
  versionQuery,
} from "@/api/artifacts";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatBytes, formatCount } from "@/ui/humanize";
import { useChosenInSight } from "@/ui/useChosenInSight";
import { useTitle } from "@/ui/useTitle";
import { AliasChips } from "./AliasChips";
import { ArtifactHistory } from "./ArtifactHistory";
import { RetentionButton } from "./RetentionButton";
import { VERSION_TABS, type VersionTab } from "./tabs";
import { VersionActions } from "./VersionActions";
import { VersionFiles } from "./VersionFiles";
import { VersionOverview } from "./VersionOverview";
import { removedText } from "./words";
import "@/styles/artifacts.css";

const LineageView = lazy(() => import("../lineage/LineageView"));
const VersionDifference = lazy(() => import("./VersionDifference"));

/** Versions that the list shows at first. */
const LISTED = 100;

export interface ArtifactPageProps {
  artifact: ArtifactName;
  /** `v3`, an alias, or a digest. */
  version: string;
  tab: VersionTab;
}

/** An artifact: its versions, and one of them. */
export function ArtifactPage({ artifact, version, tab }: ArtifactPageProps) {
  const [removed, setRemoved] = useState(false);
  const [limit, setLimit] = useState(LISTED);
  const list = useQuery({ ...artifactQuery(artifact, removed, limit), placeholderData: keepPreviousData });
  const one = useQuery(versionQuery(artifact, version));
  useTitle(`${artifact.name}:${one.data ? `v${one.data.version}` : version}`);
  const error = list.error ?? one.error;
  if (error) return <ErrorNote error={error} />;
  if (!list.data || !one.data) return <main id="main" className="artifact-page" aria-busy="true" />;
  return (
    <main id="main" className="artifact-page">
      <aside className="versions" aria-label="Versions">
        <VersionList list={list.data} chosen={one.data} tab={tab} />
        <footer>
          {list.data.total > list.data.version_rows.length && (
            <button type="button" className="link-button" onClick={() => setLimit(limit + LISTED)}>
              Show more of {formatCount(list.data.total)}
            </button>
          )}
          {list.data.removed > 0 && (
            <button type="button" className="link-button" onClick={() => setRemoved(!removed)}>
              {removed ? "Hide" : "Show"} {formatCount(list.data.removed)} removed
            </button>
          )}
        </footer>
      </aside>
      <div className="version-page">
        <VersionHead artifact={artifact} list={list.data} version={one.data} tab={tab} />
        <VersionContent artifact={artifact} list={list.data} version={one.data} tab={tab} />
      </div>
    </main>
  );
}

interface VersionListProps {
  list: ArtifactDetail;
  chosen: VersionRow;
  tab: VersionTab;
}

function VersionList({ list, chosen, tab }: VersionListProps) {
  const now = Date.now();
  return (
    <ul>
      {list.version_rows.map((row) => (
        <li key={row.version}>
          <Link
            className={`version-link ${row.removed ? "removed" : ""}`}
            to="/$entity/$project/artifacts/$type/$name/$version/$tab"
            params={{
              entity: list.entity,
              project: list.project,
              type: list.type,
              name: list.name,
              version: `v${row.version}`,
              tab,
            }}
            search={{}}
            aria-current={row.version === chosen.version ? "page" : undefined}
          >
            <b>v{row.version}</b>
            <AliasChips aliases={row.aliases} />
            <span className="grow" />
            <span className="muted">{formatAge(row.created_at * 1000, now)}</span>
            <small className="muted">
              {row.removed ? "removed" : formatBytes(row.bytes)}
              {row.run && ` · ${row.run.name}`}
            </small>
          </Link>
        </li>
      ))}
    </ul>
  );
}

interface VersionPartProps {
  artifact: ArtifactName;
  list: ArtifactDetail;
  version: VersionDetail;
  tab: VersionTab;
}

function VersionHead({ artifact, list, version, tab }: VersionPartProps) {
  const { entity, project, name } = artifact;
  const tabs = useChosenInSight();
  return (
    <header className="version-head">
      <div className="page-head">
        <h1>
          <Link to="/$entity/$project/artifacts" params={{ entity, project }} className="muted">
            Artifacts /
          </Link>{" "}
          {name}:v{version.version}
        </h1>
        <span className="badge">{version.type}</span>
        <span className="grow" />
        {list.may_edit && <RetentionButton artifact={artifact} list={list} />}
        <VersionActions artifact={artifact} version={version} mayEdit={list.may_edit} />
      </div>
      {version.removed && (
        <p className="warn" role="status">
          {removedText(version)}. What it was and where it came from is still here; its bytes are not kept.
        </p>
      )}
      <nav ref={tabs} className="settings-tabs" aria-label="Version">
        {VERSION_TABS.map((one) => (
          <Link
            key={one.tab}
            to="/$entity/$project/artifacts/$type/$name/$version/$tab"
            params={{ entity, project, type: list.type, name, version: `v${version.version}`, tab: one.tab }}
            search={{}}
            aria-current={one.tab === tab ? "page" : undefined}
          >
            {one.label}
          </Link>
        ))}
      </nav>
    </header>
  );
}

function VersionContent({ artifact, list, version, tab }: VersionPartProps) {
  switch (tab) {
    case "overview":
      return <VersionOverview artifact={artifact} version={version} mayEdit={list.may_edit} />;
    case "files":
      return <VersionFiles key={version.version} artifact={artifact} version={version} />;
    case "history":
      return <ArtifactHistory artifact={artifact} />;
    case "lineage":
      return (
        <Suspense fallback={<section className="block" aria-busy="true" />}>
          <LineageView root={{ artifact, version: `v${version.version}` }} />
        </Suspense>
      );
    case "diff":
      return (
        <Suspense fallback={<section className="block" aria-busy="true" />}>
          <VersionDifference key={version.version} artifact={artifact} list={list} version={version} />
        </Suspense>
      );
  }
}
