import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import {
  type ArtifactDetail,
  type ArtifactName,
  type ChangedEntry,
  type VersionDetail,
  versionsDiffQuery,
} from "@/api/artifacts";
import { Choice } from "@/ui/Choice";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatBytes, formatCount } from "@/ui/humanize";

const EntryDifference = lazy(() => import("./EntryDifference"));

interface VersionDifferenceProps {
  artifact: ArtifactName;
  list: ArtifactDetail;
  version: VersionDetail;
}

/** What is different in a version against another one of the same artifact: files, metadata, tables. */
export default function VersionDifference({ artifact, list, version }: VersionDifferenceProps) {
  const others = list.version_rows.filter((row) => row.version !== version.version && !row.removed);
  const before = others.find((row) => row.version < version.version) ?? others[0];
  const [chosen, setChosen] = useState<string | null>(null);
  const other = chosen ?? (before ? `v${before.version}` : null);
  const found = useQuery({
    ...versionsDiffQuery(artifact, other ?? "", `v${version.version}`),
    enabled: other !== null,
  });
  if (other === null) {
    return (
      <div className="empty small">
        <b>There is no other version to compare it with</b>
      </div>
    );
  }
  const diff = found.data;
  return (
    <>
      <div className="file-bar">
        <span>
          What changed since{" "}
          <Choice
            label="The other version"
            value={other}
            options={others.map((row) => [`v${row.version}`, named(row)] as const)}
            onChange={setChosen}
          />
        </span>
        <span className="grow" />
        {diff && (
          <span className="points-note">
            <b className="plus">+{formatCount(diff.added)}</b>{" "}
            <b className="minus">−{formatCount(diff.removed)}</b> {formatCount(diff.changed)} changed,{" "}
            {formatCount(diff.same_files)} equal
          </span>
        )}
      </div>
      {found.error && <ErrorNote error={found.error} />}
      {diff?.equal && (
        <div className="empty small">
          <b>Their content is equal, byte for byte</b>
        </div>
      )}
      {diff && diff.metadata.length > 0 && (
        <section className="block table-scroll" aria-label="Metadata">
          <h2>Metadata</h2>
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">v{diff.a.version}</th>
                <th scope="col">v{diff.b.version}</th>
              </tr>
            </thead>
            <tbody>
              {diff.metadata.map((row) => (
                <tr key={row.key}>
                  <th scope="row">{row.key}</th>
                  <td className="mono">
                    {row.in_a ? JSON.stringify(row.a) : <i className="muted">missing</i>}
                  </td>
                  <td className="mono">
                    {row.in_b ? JSON.stringify(row.b) : <i className="muted">missing</i>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {diff && diff.tables.length > 0 && (
        <section className="block" aria-label="Tables">
          <h2>Tables</h2>
          <ul className="rows">
            {diff.tables.map((table) => (
              <li key={table.path}>
                <span className="row-main">
                  <b>{table.path}</b>
                  <span className="muted">{table.problem || tableText(table)}</span>
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {diff && diff.entries.length > 0 && (
        <section className="block" aria-label="Changed files">
          <h2>Files</h2>
          <ul className="rows">
            {diff.entries.map((entry) => (
              <EntryLine
                key={entry.path}
                artifact={artifact}
                entry={entry}
                versions={[`v${diff.a.version}`, `v${diff.b.version}`]}
              />
            ))}
          </ul>
          {diff.more_entries > 0 && <p className="muted">and {formatCount(diff.more_entries)} more files</p>}
        </section>
      )}
    </>
  );
}

const named = (row: { version: number; aliases: readonly string[] }) =>
  `v${row.version}${row.aliases.length > 0 ? ` (${row.aliases.join(", ")})` : ""}`;

interface ChangedTable {
  a_rows: number | null;
  b_rows: number | null;
  added_columns: readonly string[];
  removed_columns: readonly string[];
  changed_columns: readonly string[];
}

function tableText(table: ChangedTable): string {
  const count = (rows: number | null) => (rows === null ? "no table" : `${formatCount(rows)} rows`);
  const parts = [
    table.a_rows === table.b_rows ? count(table.b_rows) : `${count(table.a_rows)} → ${count(table.b_rows)}`,
    ...listed("new columns", table.added_columns),
    ...listed("columns gone", table.removed_columns),
    ...listed("other values in", table.changed_columns),
  ];
  return parts.join(" · ");
}

const listed = (what: string, names: readonly string[]) =>
  names.length > 0 ? [`${what}: ${names.join(", ")}`] : [];

interface EntryLineProps {
  artifact: ArtifactName;
  entry: ChangedEntry;
  versions: readonly [string, string];
}

/** Longer texts are for an editor. */
const TEXT_BYTES = 2 ** 20;

function EntryLine({ artifact, entry, versions }: EntryLineProps) {
  const [open, setOpen] = useState(false);
  const { a_bytes, b_bytes } = entry;
  const comparable =
    entry.change === "changed" &&
    entry.a_sha256 !== null &&
    entry.b_sha256 !== null &&
    Math.max(a_bytes ?? 0, b_bytes ?? 0) <= TEXT_BYTES;
  const size = (bytes: number | null) => (bytes === null ? "–" : formatBytes(bytes));
  return (
    <li>
      <span className={`badge change-${entry.change}`}>{entry.change}</span>
      <span className="row-main">
        <span className="mono">{entry.path}</span>
      </span>
      <span className="muted">
        {entry.change === "changed"
          ? `${size(a_bytes)} → ${size(b_bytes)}`
          : size(entry.change === "added" ? b_bytes : a_bytes)}
      </span>
      {comparable && (
        <button type="button" className="link-button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide" : "Show"} lines
        </button>
      )}
      {open && (
        <Suspense fallback={<div className="media-note pulse" />}>
          <EntryDifference artifact={artifact} entry={entry} versions={versions} />
        </Suspense>
      )}
    </li>
  );
}
