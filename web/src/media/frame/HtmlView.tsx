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
      {({ blob }) => <HtmlFrame blob={blob} label={label} fresh={value.sha256} />}
    </BlobGate>
  );
}

function HtmlFrame({ blob, label, fresh }: { blob: Blob; label: string; fresh: string }) {
  const [html, setHtml] = useState<string | null>(null);
  useEffect(() => {
    let current = true;
    void blob.text().then((text) => current && setHtml(text));
    return () => {
      current = false;
    };
  }, [blob]);
  const message = useMemo(() => ({ html }), [html]);
  return html === null ? null : <SandboxFrame shell="html" title={label} message={message} fresh={fresh} />;
}
