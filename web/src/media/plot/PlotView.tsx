import { useQuery } from "@tanstack/react-query";
import { useContext, useMemo } from "react";
import type { PlotValue } from "@/api/mediaValue";
import { formatCount } from "@/ui/humanize";
import { CHART_ROWS, tableRows } from "../table/rows";
import { TablesContext } from "../table/useTablePages";
import { MatrixPlot } from "./MatrixPlot";
import { type PlotModel, plotModel } from "./model";
import { XyPlot } from "./XyPlot";

interface PlotViewProps {
  runKey: string;
  value: PlotValue;
  wanted: boolean;
  label: string;
}

/** A chart of a preset, drawn from the table that was logged with it. */
export function PlotView({ runKey, value, wanted, label }: PlotViewProps) {
  const reader = useContext(TablesContext);
  const rows = useQuery({ ...tableRows(reader, runKey, value.table), enabled: wanted });
  const made = useMemo((): PlotModel | Error | null => {
    if (!rows.data) return null;
    try {
      return plotModel(value, rows.data);
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  }, [value, rows.data]);
  if (rows.error) return <p className="media-trouble">{rows.error.message}</p>;
  if (made === null) return <div className={wanted ? "media-note pulse" : "media-note"} />;
  if (made instanceof Error) return <p className="media-trouble">{made.message}</p>;
  const name = value.title || value.strings?.title || label;
  return (
    <div className="plot">
      {value.title && <p className="plot-title">{value.title}</p>}
      {made.kind === "matrix" ? (
        <MatrixPlot model={made} label={name} />
      ) : (
        <XyPlot model={made} label={name} />
      )}
      {value.table.nrows > CHART_ROWS && (
        <small>
          first {formatCount(CHART_ROWS)} of {formatCount(value.table.nrows)} rows
        </small>
      )}
    </div>
  );
}
