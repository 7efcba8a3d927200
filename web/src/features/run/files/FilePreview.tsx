import { Download } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { fetchBlob } from "@/api/blobs";
import type { RunFile } from "@/api/runFiles";
import { BlobGate } from "@/media/BlobGate";
import { HtmlView } from "@/media/frame/HtmlView";
import { formatBytes } from "@/ui/humanize";
import { saveBlob } from "@/ui/saveText";

const SourceLines = lazy(() =>
  import("@/ui/source/SourceLines").then((module) => ({ default: module.SourceLines })),
);

const IMAGES = /\.(png|jpe?g|gif|webp|bmp|avif)$/i;
const DOCUMENTS = /\.(html?|svg)$/i;
/** Longer texts are for an editor. */
const TEXT_BYTES = 4 * 2 ** 20;
/** A byte that no text has within this many says that the rest is no text either. */
const SNIFFED = 8_192;

interface FilePreviewProps {
  /** The key of a run, or the route of an artifact's version. */
  runKey: string;
  file: Pick<RunFile, "path" | "sha256" | "bytes" | "held">;
}

/** What is in a file, as far as a page can show it. */
export function FilePreview({ runKey, file }: FilePreviewProps) {
  const ref = { sha256: file.sha256, size: file.bytes };
  if (!file.held) return <p className="media-note">These bytes have not arrived at this server yet.</p>;
  if (IMAGES.test(file.path)) {
    return (
      <BlobGate runKey={runKey} blob={ref}>
        {({ url }) => <img className="file-image" src={url} alt={file.path} />}
      </BlobGate>
    );
  }
  if (DOCUMENTS.test(file.path)) {
    return <HtmlView runKey={runKey} value={{ _type: "html-file", ...ref }} wanted label={file.path} />;
  }
  if (file.bytes > TEXT_BYTES) {
    return (
      <p className="media-note">{formatBytes(file.bytes)} are not shown here. Download the file instead.</p>
    );
  }
  return (
    <BlobGate runKey={runKey} blob={ref}>
      {({ blob }) => <TextOf blob={blob} path={file.path} />}
    </BlobGate>
  );
}

function TextOf({ blob, path }: { blob: Blob; path: string }) {
  const [text, setText] = useState<string | null | undefined>(undefined);
  useEffect(() => {
    let current = true;
    const read = async () => {
      const bytes = new Uint8Array(await blob.arrayBuffer());
      if (bytes.subarray(0, SNIFFED).includes(0)) return null;
      return new TextDecoder().decode(bytes);
    };
    void read().then((found) => current && setText(found));
    return () => {
      current = false;
    };
  }, [blob]);
  if (text === undefined) return <div className="media-note pulse" />;
  if (text === null)
    return <p className="media-note">This is no text, and no picture that a page can show.</p>;
  if (text === "") return <p className="media-note">The file is empty.</p>;
  return (
    <Suspense fallback={<div className="media-note pulse" />}>
      <SourceLines path={path} text={text} />
    </Suspense>
  );
}

/** Saves a file just as it was. */
export function DownloadButton({ runKey, file }: FilePreviewProps) {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const save = async () => {
    setBusy(true);
    setFailed(null);
    try {
      const name = file.path.split("/").at(-1) || file.sha256;
      saveBlob(name, await fetchBlob(runKey, file.sha256));
    } catch (cause) {
      setFailed(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`Download ${file.path}`}
      title={failed ?? `Download ${formatBytes(file.bytes)}`}
      disabled={busy || !file.held}
      onClick={() => void save()}
    >
      <Download size={15} className={failed ? "bad" : ""} />
    </button>
  );
}
