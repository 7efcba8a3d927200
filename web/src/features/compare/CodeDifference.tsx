import { useQuery } from "@tanstack/react-query";
import { type CodeFile, type CodeSide, type ComparedRun, fetchCodeComparison } from "@/api/comparison";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatCount } from "@/ui/humanize";
import { PatchView } from "../run/code/PatchView";
import { unifiedPatch } from "./unifiedPatch";
import "@/styles/run.css";
import "@/styles/media.css";

interface CodeDifferenceProps {
  a: string;
  b: string;
  known: readonly ComparedRun[];
}

/** How the code of two runs differs: commits, and the files with their lines. */
export default function CodeDifference({ a, b, known }: CodeDifferenceProps) {
  const found = useQuery({
    queryKey: ["compare-code", a, b],
    queryFn: ({ signal }) => fetchCodeComparison(a, b, signal),
    retry: false,
  });
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <p className="list-empty">Comparing code…</p>;
  const { files, note } = found.data;
  const changed = files.filter(({ status }) => status !== "same");
  return (
    <div className="compare-text">
      <div className="code-sides">
        <Side side={found.data.a} run={nameOf(known, a)} label="from" />
        <Side side={found.data.b} run={nameOf(known, b)} label="to" />
      </div>
      <p className="compare-note">{note}</p>
      {changed.map((file) => (
        <FileDifference key={`${file.kind}:${file.path}`} file={file} />
      ))}
      {changed.length === 0 ? (
        <div className="empty">
          <b>No file differs, as far as the code of both is known</b>
        </div>
      ) : (
        <p className="muted">
          {formatCount(changed.length)} {changed.length === 1 ? "file differs" : "files differ"}
        </p>
      )}
    </div>
  );
}

export function nameOf(known: readonly ComparedRun[], key: string): string {
  return known.find(({ run_key }) => run_key === key)?.name ?? key;
}

function Side({ side, run, label }: { side: CodeSide; run: string; label: string }) {
  return (
    <dl className="code-side">
      <dt>{label}</dt>
      <dd>
        <b>{run}</b>{" "}
        {side.commit ? (
          <>
            <code title={side.commit}>{side.commit.slice(0, 10)}</code>{" "}
            {side.branch && <span>on {side.branch}</span>}{" "}
            {side.dirty && <span className="badge warn">uncommitted changes</span>}
          </>
        ) : (
          <span className="muted">no commit on record</span>
        )}
      </dd>
    </dl>
  );
}

const KINDS = { patch: "uncommitted changes", untracked: "untracked file", source: "source" } as const;

function FileDifference({ file }: { file: CodeFile }) {
  if (file.diff) {
    return (
      <div className="file-difference">
        <span className="badge">{KINDS[file.kind]}</span>
        <PatchView text={unifiedPatch(file.path, file.status, file.diff)} />
        {file.cut && <p className="muted">The rest of this file was too long to compare.</p>}
      </div>
    );
  }
  return (
    <section className="patch-file" aria-label={file.path}>
      <header>
        <span className="mono">{file.path}</span>
        <span className="badge">{file.status}</span>
        <span className="grow" />
        <span className="muted">
          {file.cut
            ? "too long to compare"
            : file.status === "unknown"
              ? "its bytes are not held"
              : "no text to compare"}
        </span>
      </header>
    </section>
  );
}
