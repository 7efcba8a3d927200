import type { Axis } from "@/charts/core/model";
import { type ColumnRef, decodeFrames, openFrames, type SeriesReply } from "./frames";
import { postBody, postJson } from "./request";
import type { components } from "./schema.gen";
import { parseNumber } from "./types";

/** Which processes: those that write into one run, or those of the runs of a group. */
export type Where = { run: string } | { entity: string; project: string; group: string };

export type Process = components["schemas"]["Process"];
export type Attempt = components["schemas"]["Attempt"];
export type ProcessKey = components["schemas"]["ProcessKey"];
export type Finding = components["schemas"]["Finding"];
export type Processes = components["schemas"]["ProcessesReply"];
export type ProcessLine = components["schemas"]["ProcessLine"];
export type ProcessConsole = components["schemas"]["ProcessConsole"];

/** Axes that all processes share. */
export type ProcessAxis = Extract<Axis, "step" | "relative" | "wall">;

export type ProcessForm = "band" | "each";

export interface ProcessSeriesAsk {
  processes: readonly string[] | null;
  keys: readonly string[];
  x: ProcessAxis;
  range: readonly [number, number] | null;
  buckets: number;
  form: ProcessForm;
}

export function fetchProcesses(where: Where, signal?: AbortSignal): Promise<Processes> {
  return postJson("processes", where, signal);
}

export async function fetchProcessSeries(
  where: Where,
  ask: ProcessSeriesAsk,
  signal?: AbortSignal,
): Promise<SeriesReply> {
  const response = await postBody("processes/series", { ...where, ...ask }, signal);
  return decodeFrames(await response.arrayBuffer());
}

export interface HeatmapAsk {
  processes: readonly string[] | null;
  key: string;
  x: ProcessAxis;
  range: readonly [number, number] | null;
  columns: number;
}

/** One metric as processes × columns of steps or time. */
export interface Heatmap {
  x: ProcessAxis;
  /** One more than there are columns. */
  edges: ArrayLike<number>;
  processes: readonly string[];
  ranks: readonly number[];
  /** Row by row; NaN = the process has no finite point there. */
  values: ArrayLike<number>;
  lo: number;
  hi: number;
}

interface HeatmapHeader {
  x: ProcessAxis;
  processes: string[];
  ranks: number[];
  x_edges: ColumnRef;
  values: ColumnRef;
  lo: number | string | null;
  hi: number | string | null;
}

export async function fetchHeatmap(where: Where, ask: HeatmapAsk, signal?: AbortSignal): Promise<Heatmap> {
  const response = await postBody("processes/heatmap", { ...where, ...ask }, signal);
  const { header, column } = openFrames<HeatmapHeader>(await response.arrayBuffer());
  return {
    x: header.x,
    edges: column(header.x_edges),
    processes: header.processes,
    ranks: header.ranks,
    values: column(header.values),
    lo: parseNumber(header.lo) ?? Number.NaN,
    hi: parseNumber(header.hi) ?? Number.NaN,
  };
}

export interface ProcessConsoleAsk {
  processes: readonly string[] | null;
  offset?: number;
  before?: number;
  limit: number;
  search: string;
}

export function fetchProcessConsole(
  where: Where,
  ask: ProcessConsoleAsk,
  signal?: AbortSignal,
): Promise<ProcessConsole> {
  return postJson("processes/console", { ...where, ...ask }, signal);
}

/** What a process is called: its rank, which all of a job's processes have. */
export function processName({ rank }: Pick<Process, "rank">): string {
  return `rank ${rank}`;
}
