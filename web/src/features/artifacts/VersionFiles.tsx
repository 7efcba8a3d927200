import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ExternalLink, File, Folder, Search } from "lucide-react";
import { useState } from "react";
import {
  type ArtifactName,
  type EntryRow,
  entriesQuery,
  type FolderRow,
  routeOfVersion,
  type VersionDetail,
} from "@/api/artifacts";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatBytes, formatCount } from "@/ui/humanize";
import { Pager } from "@/ui/Pager";
import { useDebounced } from "@/ui/useDebounced";
import { DownloadButton, FilePreview } from "../run/files/FilePreview";
import "@/styles/run.css";
import "@/styles/media.css";

const PAGE = 200;
const TYPING_MS = 250;

interface VersionFilesProps {
  artifact: ArtifactName;
  version: VersionDetail;
}

/** The files of a version, folder by folder, or all that match a search. */
export function VersionFiles({ artifact, version }: VersionFilesProps) {
  const [folder, setFolder] = useState("");
  const [text, setText] = useState("");
  const [offset, setOffset] = useState(0);
  const [opened, setOpened] = useState<EntryRow | null>(null);
  const search = useDebounced(text, TYPING_MS);
  const name = `v${version.version}`;
  const found = useQuery({
    ...entriesQuery(artifact, name, { folder: search ? "" : folder, search, offset, limit: PAGE }),
    placeholderData: keepPreviousData,
  });
  const enter = (next: string) => {
    setFolder(next);
    setOffset(0);
  };
  const page = found.data;
  const owner = routeOfVersion(artifact, name);
  return (
    <>
      <div className="file-bar">
        <FolderPath root={`${artifact.name}:${name}`} folder={folder} onOpen={enter} />
        <span className="grow" />
        <span className="field">
          <Search size={14} aria-hidden="true" />
          <input
            type="search"
            aria-label="Search files"
            placeholder="Search files"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setOffset(0);
            }}
          />
        </span>
        {page && (
          <span className="points-note">
            {formatCount(page.total)} {page.total === 1 ? "file" : "files"} · {formatBytes(page.bytes)}
          </span>
        )}
        {page && <Pager offset={offset} page={PAGE} total={page.total} onMove={setOffset} />}
      </div>
      {found.error && <ErrorNote error={found.error} />}
      {page && page.folders.length === 0 && page.entries.length === 0 && (
        <div className="empty small">
          <b>{search ? "No file matches" : "It has no files"}</b>
        </div>
      )}
      {page && (page.folders.length > 0 || page.entries.length > 0) && (
        <section className="block file-block" aria-label="Files">
          <table className="plain-table file-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col" className="number">
                  Size
                </th>
                <th scope="col">
                  <span className="visually-hidden">Download</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {page.folders.map((row) => (
                <FolderLine key={row.name} row={row} onOpen={() => enter(joined(folder, row.name))} />
              ))}
              {page.entries.map((entry) => (
                <EntryLine
                  key={entry.path}
                  owner={owner}
                  entry={entry}
                  shown={search ? entry.path : (entry.path.split("/").at(-1) ?? entry.path)}
                  onOpen={() => setOpened(entry)}
                />
              ))}
            </tbody>
          </table>
        </section>
      )}
      <Dialog title={opened?.path ?? ""} open={opened !== null} onClose={() => setOpened(null)} size="full">
        {opened?.sha256 && (
          <div className="file-preview">
            <FilePreview runKey={owner} file={fileOf(opened, opened.sha256)} />
          </div>
        )}
      </Dialog>
    </>
  );
}

const joined = (folder: string, name: string) => (folder ? `${folder}/${name}` : name);
const fileOf = ({ path, bytes, here }: EntryRow, sha256: string) => ({
  path,
  sha256,
  bytes: bytes ?? 0,
  held: here,
});

function FolderPath({
  root,
  folder,
  onOpen,
}: {
  root: string;
  folder: string;
  onOpen(folder: string): void;
}) {
  const parts = folder ? folder.split("/") : [];
  return (
    <nav className="folder-path" aria-label="Folder">
      <button type="button" onClick={() => onOpen("")} disabled={parts.length === 0}>
        {root}
      </button>
      {parts.map((part, depth) => (
        <span key={parts.slice(0, depth + 1).join("/")}>
          {" / "}
          <button
            type="button"
            onClick={() => onOpen(parts.slice(0, depth + 1).join("/"))}
            disabled={depth === parts.length - 1}
          >
            {part}
          </button>
        </span>
      ))}
    </nav>
  );
}

function FolderLine({ row, onOpen }: { row: FolderRow; onOpen(): void }) {
  return (
    <tr>
      <th scope="row">
        <button type="button" className="file-name" onClick={onOpen}>
          <Folder size={14} aria-hidden="true" /> {row.name}/
        </button>
        <span className="muted">
          {" "}
          {formatCount(row.files)} {row.files === 1 ? "file" : "files"}
        </span>
      </th>
      <td className="number">{formatBytes(row.bytes)}</td>
      <td />
    </tr>
  );
}

interface EntryLineProps {
  owner: string;
  entry: EntryRow;
  shown: string;
  onOpen(): void;
}

function EntryLine({ owner, entry, shown, onOpen }: EntryLineProps) {
  const { sha256 } = entry;
  return (
    <tr>
      <th scope="row">
        {sha256 ? (
          <button type="button" className="file-name" onClick={onOpen}>
            <File size={14} aria-hidden="true" /> {shown}
          </button>
        ) : (
          <span className="file-name">
            <ExternalLink size={14} aria-hidden="true" /> {shown}
          </span>
        )}
        {entry.ref !== null && (
          // Where it leads is shown, not linked: a page that somebody logged must not choose where others go.
          <code className="reference" title={entry.digest ? `Digest ${entry.digest}` : "Without a digest"}>
            {entry.ref}
          </code>
        )}
        {sha256 && !entry.here && <span className="badge warn">not here</span>}
      </th>
      <td className="number">{entry.bytes === null ? "–" : formatBytes(entry.bytes)}</td>
      <td>{sha256 && <DownloadButton runKey={owner} file={fileOf(entry, sha256)} />}</td>
    </tr>
  );
}
