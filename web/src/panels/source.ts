import { createContext, useContext } from "react";
import type { Column, RunSelection } from "@/api/columns";
import { type ColumnInfo, fetchColumns, fetchMatrix, type Matrix } from "@/api/matrix";
import { fetchMedia, fetchSteps, type MediaItem, type Moment, type StepSeries } from "@/api/media";
import { seriesLoader } from "@/api/points";
import type { SeriesLoader } from "@/api/seriesLoader";
import {
  fetchImportance,
  type ImportanceMethod,
  type ImportanceReply,
  type MetricChoice,
} from "@/api/statistics";
import { fetchTable, type TablePage, type TableQuery } from "@/api/tables";

/** Where the data of panels comes from: the server, or what a report keeps of an earlier moment. */
export interface PanelSource {
  /** Tells cached answers of one source from those of others. */
  id: string;
  /** Nothing behind it changes, and single points beyond what is drawn are not there. */
  frozen: boolean;
  series: SeriesLoader;
  matrix(selection: RunSelection, columns: readonly Column[], signal: AbortSignal): Promise<Matrix>;
  columns(selection: RunSelection, signal: AbortSignal): Promise<{ columns: ColumnInfo[]; match: number }>;
  importance(
    selection: RunSelection,
    ask: MetricChoice & { method: ImportanceMethod },
    signal: AbortSignal,
  ): Promise<ImportanceReply>;
  steps(runs: readonly string[], key: string): Promise<StepSeries[]>;
  media(runs: readonly string[], key: string, moment: Moment): Promise<MediaItem[]>;
  table(runKey: string, query: TableQuery, signal?: AbortSignal): Promise<TablePage>;
}

export const LIVE: PanelSource = {
  id: "",
  frozen: false,
  series: seriesLoader,
  matrix: (selection, columns, signal) => fetchMatrix(selection, columns, signal),
  columns: fetchColumns,
  importance: fetchImportance,
  steps: fetchSteps,
  media: fetchMedia,
  table: fetchTable,
};

export const SourceContext = createContext<PanelSource>(LIVE);

export function useSource(): PanelSource {
  return useContext(SourceContext);
}
