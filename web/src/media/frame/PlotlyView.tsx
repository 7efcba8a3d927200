import { useEffect, useMemo, useState } from "react";
import type { PlotlyValue } from "@/api/mediaValue";
import { useTheme } from "@/state/theme";
import { BlobGate } from "../BlobGate";
import { FRAME_LOOKS, SandboxFrame } from "./SandboxFrame";

interface PlotlyViewProps {
  runKey: string;
  value: PlotlyValue;
  wanted: boolean;
  label: string;
}

/** A Plotly figure. Its library is loaded only here, and only inside its frame. */
export function PlotlyView({ runKey, value, wanted, label }: PlotlyViewProps) {
  return (
    <BlobGate runKey={runKey} blob={value} wanted={wanted}>
      {({ blob }) => <Figure blob={blob} label={label} />}
    </BlobGate>
  );
}

function Figure({ blob, label }: { blob: Blob; label: string }) {
  const theme = useTheme((store) => store.name);
  const [json, setJson] = useState<string | null>(null);
  useEffect(() => {
    let current = true;
    void blob.text().then((text) => current && setJson(text));
    return () => {
      current = false;
    };
  }, [blob]);
  const message = useMemo(() => ({ type: "figure", json, look: FRAME_LOOKS[theme] }), [json, theme]);
  return json === null ? null : <SandboxFrame shell="plotly" title={label} message={message} />;
}
