import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { codeQuery, type GitFacts, type RunCode, type RunFile, type TreeEntry } from "@/api/runFiles";
import type { RunDetail } from "@/api/types";
import { BlobGate } from "@/media/BlobGate";
import { CopyField } from "@/ui/CopyField";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatBytes, formatCount } from "@/ui/humanize";
import { DownloadButton, FilePreview } from "../files/FilePreview";
import { TreeList } from "./TreeList";
import "@/styles/run.css";
import "@/styles/media.css";

const PatchView = lazy(() => import("./PatchView").then((module) => ({ default: module.PatchView })));

/** The code that the run ran: the commit, what differed from it, and how to get it back. */
export default function CodeTab({ run }: { run: RunDetail }) {
  const found = useQuery(codeQuery(run.run_key));
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <main id="main" className="page" aria-busy="true" />;
  const code = found.data;
  const nothing = code.kind === "none" && !code.git && code.files.length === 0 && !code.patch;
  return (
    <main id="main" className="page code-page">
      <h1 className="visually-hidden">{run.name} code</h1>
      {nothing ? (
        <div className="empty">
          <b>The code of this run was not recorded</b>
          <span>
            Start it in a git repository, or call <code>run.log_code()</code>.
          </span>
        </div>
      ) : (
        <>
          <Origin code={code} runKey={run.run_key} />
          {code.patch && <Changes runKey={run.run_key} patch={code.patch} />}
          {code.files.length > 0 && <CodeFiles runKey={run.run_key} code={code} />}
          {code.tree && <Tree runKey={run.run_key} tree={code.tree} />}
          {code.skipped.length > 0 && (
            <section className="block" aria-label="Left out">
              <h2>
                Left out <span className="count">{code.skipped.length}</span>
              </h2>
              <ul className="skipped">
                {code.skipped.map(({ path, reason, bytes }) => (
                  <li key={path}>
                    <span className="mono">{path}</span> <span className="muted">{reason}</span>
                    {bytes ? <span className="muted">{formatBytes(bytes)}</span> : null}
                  </li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
    </main>
  );
}

function Origin({ code, runKey }: { code: RunCode; runKey: string }) {
  const { git } = code;
  const hidden = [...code.files, ...(code.patch ? [code.patch] : [])].reduce(
    (sum, file) => sum + (file.about.redacted ?? 0),
    0,
  );
  return (
    <section className="block" aria-label="Origin">
      <h2>{git ? "Commit" : "Code"}</h2>
      {git && <GitList git={git} />}
      <dl className="facts">
        {code.command && (
          <div>
            <dt>Command</dt>
            <dd className="mono">{code.command}</dd>
          </div>
        )}
        {code.cwd && (
          <div>
            <dt>Started in</dt>
            <dd className="mono">{code.cwd}</dd>
          </div>
        )}
        {hidden > 0 && (
          <div>
            <dt>Hidden</dt>
            <dd>
              {formatCount(hidden)} {hidden === 1 ? "secret was" : "secrets were"} replaced before the code
              was stored.
            </dd>
          </div>
        )}
      </dl>
      <p className="muted restore-note">To get this code back, as it was:</p>
      <CopyField label="Command that restores the code" text={`treering restore ${runKey}`} />
    </section>
  );
}

function GitList({ git }: { git: GitFacts }) {
  return (
    <>
      {git.message && <p className="commit-message">{git.message}</p>}
      <CopyField label="Commit" text={git.commit} />
      <dl className="facts">
        <div>
          <dt>Branch</dt>
          <dd>
            {git.detached ? "none (detached)" : (git.branch ?? "none")}
            {git.dirty && <span className="badge warn">uncommitted changes</span>}
          </dd>
        </div>
        {git.remote && (
          <div>
            <dt>Remote</dt>
            <dd className="mono">
              <Remote address={git.remote} />
            </dd>
          </div>
        )}
        {git.submodules?.map(({ path, commit }) => (
          <div key={path}>
            <dt>Submodule</dt>
            <dd className="mono">
              {path} at {commit.slice(0, 12)}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** An address is a link only if it leads to a web page; ssh and file addresses are text. */
function Remote({ address }: { address: string }) {
  let url: URL | null = null;
  try {
    url = /^https?:\/\//i.test(address) ? new URL(address) : null;
  } catch {
    url = null;
  }
  if (!url) return address;
  url.username = url.password = "";
  return (
    <a className="link" href={url.href} title={url.href} target="_blank" rel="noopener noreferrer">
      {address}
    </a>
  );
}

function Changes({ runKey, patch }: { runKey: string; patch: RunFile }) {
  return (
    <section className="block" aria-label="Uncommitted changes">
      <h2>
        Uncommitted changes
        {patch.about.files !== undefined && <span className="count">{patch.about.files}</span>}
        <span className="grow" />
        <DownloadButton runKey={runKey} file={patch} />
      </h2>
      {patch.held ? (
        <BlobGate runKey={runKey} blob={{ sha256: patch.sha256, size: patch.bytes }}>
          {({ blob }) => (
            <TextOfBlob blob={blob}>
              {(text) => (
                <Suspense fallback={<div className="media-note pulse" />}>
                  <PatchView text={text} />
                </Suspense>
              )}
            </TextOfBlob>
          )}
        </BlobGate>
      ) : (
        <p className="muted">The patch has not arrived at this server yet.</p>
      )}
    </section>
  );
}

function TextOfBlob({ blob, children }: { blob: Blob; children(text: string): React.ReactNode }) {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    let current = true;
    void blob.text().then((found) => current && setText(found));
    return () => {
      current = false;
    };
  }, [blob]);
  return text === null ? null : children(text);
}

function CodeFiles({ runKey, code }: { runKey: string; code: RunCode }) {
  const [opened, setOpened] = useState<RunFile | null>(null);
  const title = code.kind === "git" ? "Files outside of the commit" : "Files";
  return (
    <section className="block" aria-label={title}>
      <h2>
        {title} <span className="count">{formatCount(code.files_total)}</span>
      </h2>
      <ul className="code-files">
        {code.files.map((file) => (
          <li key={file.path}>
            <button type="button" className="file-name" onClick={() => setOpened(file)}>
              {file.path.replace(/^code\//, "")}
            </button>
            {(file.about.redacted ?? 0) > 0 && <span className="badge">{file.about.redacted} hidden</span>}
            {!file.held && <span className="badge warn">not here yet</span>}
            <span className="grow" />
            <small>{formatBytes(file.bytes)}</small>
            <DownloadButton runKey={runKey} file={file} />
          </li>
        ))}
      </ul>
      {code.files.length < code.files_total && (
        <p className="muted">
          {formatCount(code.files.length)} of {formatCount(code.files_total)}; all are in the files of the
          run.
        </p>
      )}
      <Dialog
        title={opened?.path.replace(/^code\//, "") ?? ""}
        open={opened !== null}
        onClose={() => setOpened(null)}
        size="full"
      >
        {opened && (
          <div className="file-preview">
            <FilePreview runKey={runKey} file={opened} />
          </div>
        )}
      </Dialog>
    </section>
  );
}

function Tree({ runKey, tree }: { runKey: string; tree: RunFile }) {
  return (
    <section className="block" aria-label="Files of the commit">
      <h2>
        Files of the commit{" "}
        {tree.about.files !== undefined && <span className="count">{formatCount(tree.about.files)}</span>}
      </h2>
      <BlobGate runKey={runKey} blob={{ sha256: tree.sha256, size: tree.bytes }}>
        {({ blob }) => <TextOfBlob blob={blob}>{(text) => <TreeList entries={readTree(text)} />}</TextOfBlob>}
      </BlobGate>
    </section>
  );
}

function readTree(text: string): TreeEntry[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as TreeEntry[]) : [];
  } catch {
    return [];
  }
}
