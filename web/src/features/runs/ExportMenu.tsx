import { Check, Copy, Download } from "lucide-react";
import { useState } from "react";
import { type ExportFormat, fetchTableFile, type TableAsk } from "@/api/runsTable";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";
import { saveBlob } from "@/ui/saveText";

const FILES: readonly (readonly [ExportFormat, string, string])[] = [
  ["csv", "CSV", "csv"],
  ["parquet", "Parquet", "parquet"],
  ["latex", "LaTeX", "tex"],
  ["markdown", "Markdown", "md"],
  ["tsv", "Tab-separated", "tsv"],
  ["json", "JSON", "json"],
];

interface ExportMenuProps {
  ask: TableAsk;
  onError(message: string | null): void;
}

/** The whole filtered and sorted table, not only what is loaded, as a file or into the clipboard. */
export function ExportMenu({ ask, onError }: ExportMenuProps) {
  const [busy, setBusy] = useState(false);
  const [copied, setCopied] = useState(false);
  const get = async (format: ExportFormat, use: (blob: Blob) => Promise<void> | void) => {
    setBusy(true);
    onError(null);
    try {
      await use(await fetchTableFile(ask, format));
    } catch (cause) {
      onError(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setBusy(false);
    }
  };
  const copy = (format: ExportFormat) =>
    get(format, async (blob) => {
      await navigator.clipboard.writeText(await blob.text());
      setCopied(true);
      setTimeout(() => setCopied(false), 2_000);
    });
  return (
    <Menu
      trigger={
        <button type="button" className="button" disabled={busy} aria-busy={busy}>
          {copied ? <Check size={14} /> : <Download size={14} />}
          <span className="button-text">{copied ? "Copied" : busy ? "Exporting…" : "Export"}</span>
        </button>
      }
    >
      {FILES.map(([format, label, ending]) => (
        <MenuItem
          key={format}
          icon={<Download size={14} />}
          onSelect={() => void get(format, (blob) => saveBlob(`${ask.project}-runs.${ending}`, blob))}
        >
          {label}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuItem icon={<Copy size={14} />} onSelect={() => void copy("latex")}>
        Copy as LaTeX
      </MenuItem>
      <MenuItem icon={<Copy size={14} />} onSelect={() => void copy("markdown")}>
        Copy as Markdown
      </MenuItem>
    </Menu>
  );
}
