import { useQuery } from "@tanstack/react-query";
import { useContext, useEffect, useMemo, useState } from "react";
import type { VegaValue } from "@/api/mediaValue";
import { useTheme } from "@/state/theme";
import { BlobGate } from "../BlobGate";
import { tableRows } from "../table/rows";
import { TablesContext } from "../table/useTablePages";
import { FRAME_LOOKS, SandboxFrame } from "./SandboxFrame";

interface VegaViewProps {
  runKey: string;
  value: VegaValue;
  wanted: boolean;
  label: string;
}

/** A Vega-Lite chart; `{"data": {"name": "table"}}` in it is the table that was logged with it. */
export function VegaView({ runKey, value, wanted, label }: VegaViewProps) {
  const reader = useContext(TablesContext);
  // Read here and not below, where it is too late: rows may come before the bytes, and nobody would draw them.
  const { data: rows, error } = useQuery({
    ...tableRows(reader, runKey, value.table ?? null),
    enabled: wanted && value.table !== undefined,
  });
  if (error) return <p className="media-trouble">{error.message}</p>;
  return (
    <BlobGate runKey={runKey} blob={value} wanted={wanted}>
      {({ blob }) =>
        value.table && !rows ? (
          <div className="media-note pulse" />
        ) : (
          <Chart blob={blob} label={label} table={rows ?? null} />
        )
      }
    </BlobGate>
  );
}

function Chart({ blob, label, table }: { blob: Blob; label: string; table: readonly object[] | null }) {
  const theme = useTheme((store) => store.name);
  const [json, setJson] = useState<string | null>(null);
  useEffect(() => {
    let current = true;
    void blob.text().then((text) => current && setJson(text));
    return () => {
      current = false;
    };
  }, [blob]);
  const message = useMemo(
    () => ({ type: "chart", json, table, look: FRAME_LOOKS[theme] }),
    [json, table, theme],
  );
  return json === null ? null : <SandboxFrame shell="vega" title={label} message={message} />;
}
