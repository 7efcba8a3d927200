import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useState } from "react";
import { filesQuery, type RunFile } from "@/api/runFiles";
import type { RunDetail } from "@/api/types";
import { Choice } from "@/ui/Choice";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatBytes, formatCount, formatMoment } from "@/ui/humanize";
import { Pager } from "@/ui/Pager";
import { useDebounced } from "@/ui/useDebounced";
import { DownloadButton, FilePreview } from "./FilePreview";
import "@/styles/run.css";
import "@/styles/media.css";

const PAGE = 100;
const TYPING_MS = 250;

const PURPOSES = [
  ["", "All files"],
  ["saved", "Saved"],
  ["media", "Media"],
  ["code", "Code"],
  ["patch", "Patch"],
  ["tree", "Tree"],
  ["worktree", "Line ends"],
  ["packages", "Packages"],
  ["notebook", "Notebook"],
  ["artifact", "Artifact"],
] as const;

/** Everything that belongs to the run as a file. */
export default function FilesTab({ run }: { run: RunDetail }) {
  const [text, setText] = useState("");
  const [purpose, setPurpose] = useState<(typeof PURPOSES)[number][0]>("");
  const [offset, setOffset] = useState(0);
  const [opened, setOpened] = useState<RunFile | null>(null);
  const search = useDebounced(text, TYPING_MS);
  const found = useQuery({
    ...filesQuery(run.run_key, { purpose, search, offset, limit: PAGE }),
    placeholderData: keepPreviousData,
  });
  const page = found.data;
  return (
    <main id="main" className="page files">
      <h1 className="visually-hidden">{run.name} files</h1>
      <div className="file-bar">
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
        <Choice
          label="Purpose"
          value={purpose}
          options={PURPOSES}
          onChange={(next) => {
            setPurpose(next);
            setOffset(0);
          }}
        />
        <span className="grow" />
        {page && (
          <span className="points-note">
            {formatCount(page.total)} {page.total === 1 ? "file" : "files"} · {formatBytes(page.bytes)}
          </span>
        )}
        {page && <Pager offset={offset} page={PAGE} total={page.total} onMove={setOffset} />}
      </div>
      {found.error && <ErrorNote error={found.error} />}
      {page?.files.length === 0 && (
        <div className="empty">
          <b>{search || purpose ? "No file matches" : "No files"}</b>
          <span>
            <code>run.save("results.json")</code> keeps a file with the run.
          </span>
        </div>
      )}
      {page && page.files.length > 0 && (
        <section className="block file-block" aria-label="Files">
          <table className="plain-table file-table">
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col" className="wide-cell">
                  Purpose
                </th>
                <th scope="col" className="number">
                  Size
                </th>
                <th scope="col" className="wide-cell">
                  Stored
                </th>
                <th scope="col">
                  <span className="visually-hidden">Download</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {page.files.map((file) => (
                <tr key={file.path}>
                  <th scope="row">
                    <button type="button" className="file-name" onClick={() => setOpened(file)}>
                      {file.path}
                    </button>
                    {!file.held && <span className="badge warn">not here yet</span>}
                    {(file.about.redacted ?? 0) > 0 && (
                      <span className="badge" title="Secrets in it were hidden before it was stored.">
                        {file.about.redacted} hidden
                      </span>
                    )}
                  </th>
                  <td className="wide-cell">{file.purpose}</td>
                  <td className="number">{formatBytes(file.bytes)}</td>
                  <td className="nowrap wide-cell">{formatMoment(file.time * 1000)}</td>
                  <td>
                    <DownloadButton runKey={run.run_key} file={file} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <Dialog title={opened?.path ?? ""} open={opened !== null} onClose={() => setOpened(null)} size="full">
        {opened && (
          <div className="file-preview">
            <FilePreview runKey={run.run_key} file={opened} />
          </div>
        )}
      </Dialog>
    </main>
  );
}
