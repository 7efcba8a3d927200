import { ChevronDown, ChevronRight } from "lucide-react";
import { useMemo, useState } from "react";
import { formatCount } from "@/ui/humanize";
import { highlightLines, languageOf } from "@/ui/source/highlight";
import { Tokens } from "@/ui/source/SourceLines";
import { type PatchFile, parsePatch } from "./patch";

/** A file with more changed lines is folded at first. */
const OPEN_LINES = 400;
const SIGNS = { same: " ", added: "+", removed: "-", note: "" } as const;

/** Uncommitted changes, file by file. */
export function PatchView({ text }: { text: string }) {
  const files = useMemo(() => parsePatch(text), [text]);
  return (
    <>
      {files.map((file) => (
        <PatchOfFile key={file.path} file={file} />
      ))}
      {files.length === 0 && <p className="muted">The patch is empty.</p>}
    </>
  );
}

function PatchOfFile({ file }: { file: PatchFile }) {
  const [open, setOpen] = useState(file.added + file.removed <= OPEN_LINES);
  const language = languageOf(file.path);
  return (
    <section className="patch-file" aria-label={file.path}>
      <header>
        <button type="button" className="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <ChevronDown size={14} /> : <ChevronRight size={14} />}
          <span className="mono">{file.from ? `${file.from} → ${file.path}` : file.path}</span>
        </button>
        {file.change !== "changed" && <span className="badge">{file.change}</span>}
        {file.binary && <span className="badge">binary</span>}
        <span className="grow" />
        <span className="patch-count">
          <b className="plus">+{formatCount(file.added)}</b>{" "}
          <b className="minus">−{formatCount(file.removed)}</b>
        </span>
      </header>
      {open && file.binary && (
        <p className="patch-note">Bytes differ; git keeps no readable difference of them.</p>
      )}
      {open &&
        file.hunks.map((hunk) => (
          <div key={`${hunk.lines[0]?.before}:${hunk.lines[0]?.after}`} className="hunk">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
            <table tabIndex={0} aria-label={`Changes in ${file.path}`}>
              <tbody>
                <tr className="hunk-head">
                  <td colSpan={4}>⋯ {hunk.context}</td>
                </tr>
                {hunk.lines.map((line, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
                  <tr key={i} className={line.kind}>
                    <td className="source-number">{line.before}</td>
                    <td className="source-number">{line.after}</td>
                    <td className="patch-sign">{SIGNS[line.kind]}</td>
                    <td>
                      <code>
                        {line.kind === "note" ? (
                          <i>{line.text}</i>
                        ) : (
                          <Tokens tokens={highlightLines(line.text, language)[0] ?? []} />
                        )}
                      </code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ))}
    </section>
  );
}
