import { useEffect, useMemo, useState } from "react";
import type { HtmlValue, ImageValue } from "@/api/mediaValue";
import { BlobGate } from "../BlobGate";
import { SandboxFrame } from "./SandboxFrame";

interface HtmlViewProps {
  runKey: string;
  value: HtmlValue | ImageValue;
  wanted: boolean;
  label: string;
}

/** HTML or SVG that somebody logged. */
export function HtmlView({ runKey, value, wanted, label }: HtmlViewProps) {
  return (
    <BlobGate runKey={runKey} blob={value} wanted={wanted}>
      {({ blob }) => (
        // A written frame listens no more: other HTML gets a frame of its own.
        <HtmlFrame key={value.sha256} blob={blob} label={label} />
      )}
    </BlobGate>
  );
}

function HtmlFrame({ blob, label }: { blob: Blob; label: string }) {
  const [html, setHtml] = useState<string | null>(null);
  useEffect(() => {
    let current = true;
    void blob.text().then((text) => current && setHtml(text));
    return () => {
      current = false;
    };
  }, [blob]);
  const message = useMemo(() => ({ html }), [html]);
  return html === null ? null : <SandboxFrame shell="html" title={label} message={message} />;
}
