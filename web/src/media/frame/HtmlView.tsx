import { useEffect, useMemo, useState } from "react";
import { standsAlone } from "@/api/held";
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
      {({ blob, url }) =>
        value._type === "image-file" && standsAlone() ? (
          // As a picture it runs nothing and asks for nothing.
          <img className="drawing" src={url} alt={label} />
        ) : (
          // A written frame listens no more: other HTML gets a frame of its own.
          <HtmlFrame key={value.sha256} blob={blob} label={label} />
        )
      }
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
  if (html !== null && standsAlone()) {
    return (
      <div className="sandbox">
        <iframe title={label} srcDoc={html} sandbox="" />
      </div>
    );
  }
  return html === null ? null : <SandboxFrame shell="html" title={label} message={message} />;
}
