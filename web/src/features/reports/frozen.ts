// Data that a report keeps: panels draw from it as they would from the server.

import { type Column, columnId, decodeColumn } from "@/api/columns";
import { ApiError } from "@/api/error";
import type { Series } from "@/api/frames";
import { standsAlone } from "@/api/held";
import { type ColumnInfo, type Matrix, type MatrixColumn, matrixColumn } from "@/api/matrix";
import type { MediaItem, StepSeries } from "@/api/media";
import type { Evaluation } from "@/api/reports";
import { getJson } from "@/api/request";
import type { SeriesRequest } from "@/api/series";
import { SeriesLoader } from "@/api/seriesLoader";
import type { ImportanceReply } from "@/api/statistics";
import { fetchTable } from "@/api/tables";
import { type KeyInfo, parseNumber, type RunState, type WireNumber } from "@/api/types";
import type { Column as Numbers } from "@/charts/core/columns";
import type { PanelSource } from "@/panels/source";
import { type KeptTable, pageOf } from "./keptTable";

/** An array as it travels: little-endian bytes in base64. */
interface WireArray {
  type: "f8" | "f4" | "u1";
  data: string;
}

interface WireLine {
  axis: string;
  run: string | null;
  group: string | null;
  process: string | null;
  key: string;
  exact: boolean;
  total: number;
  total_all: number;
  x: WireArray;
  y: WireArray;
  lo: WireArray | null;
  hi: WireArray | null;
  count: WireArray | null;
  nonfinite: { x: WireArray; kind: WireArray } | null;
  first_x: WireNumber;
  last_x: WireNumber;
}

interface WireMatrix {
  asked: Column[];
  runs: string[];
  numbers: number[];
  names: string[];
  states: RunState[];
  created_at: number[];
  columns: { by: string; agg: string; kind: MatrixColumn["kind"]; values: unknown[] }[];
  match: number;
  cut: boolean;
}

/** What one panel of a figure keeps. */
export interface PanelData {
  series?: WireLine[];
  matrix?: WireMatrix;
  columns?: { columns: ColumnInfo[]; match: number };
  importance?: ImportanceReply | null;
  media?: { steps: StepSeries[]; items: MediaItem[]; tables?: Record<string, KeptTable> };
  error?: string;
}

/** All that a report keeps; see docs/formats/report.md. */
export interface FrozenReport {
  version: number;
  report: string;
  report_version: number;
  frozen_at: number;
  frozen_by: string;
  evaluation: Evaluation;
  figures: { panels: PanelData[] }[];
  keys: Record<string, KeyInfo[]>;
  config_keys: Record<string, string[]>;
  runs: Record<string, { id: string; name: string; number: number; state: RunState }>;
  blobs: Record<string, [string, number]>;
}

export function fetchFrozen(id: string, version: number | null, signal?: AbortSignal): Promise<FrozenReport> {
  return getJson(`reports/${encodeURIComponent(id)}/frozen`, { version }, signal);
}

/** Where the panels of a frozen figure get their data. */
export function frozenSource(id: string, data: PanelData): PanelSource {
  const missing = () => {
    throw new ApiError(0, "not_frozen", data.error ?? "The report keeps no data of this.", null);
  };
  return {
    id,
    frozen: true,
    series: new SeriesLoader(async (request) => ({ seq: 0, series: linesOf(data, request), missing: [] })),
    matrix: async (_selection, columns) => (data.matrix ? matrixOf(data.matrix, columns) : missing()),
    columns: async () => data.columns ?? missing(),
    importance: async () => data.importance ?? missing(),
    steps: async (runs, key) =>
      (data.media?.steps ?? [])
        .filter((one) => one.key === key && runs.includes(one.run))
        .map((one) => keptSteps(one, data.media?.items ?? [])),
    media: async (runs, key) =>
      (data.media?.items ?? []).filter((one) => one.key === key && runs.includes(one.run)),
    table: async (runKey, query, signal) => {
      const kept = data.media?.tables?.[query.sha256];
      if (kept) return pageOf(kept, query);
      return standsAlone() ? missing() : fetchTable(runKey, query, signal);
    },
  };
}

/** The steps of a run of which the report keeps the values. */
function keptSteps(one: StepSeries, items: readonly MediaItem[]): StepSeries {
  const kept = items.filter(({ run, key }) => run === one.run && key === one.key);
  return { ...one, n: kept.length, steps: kept.map(({ step }) => step), times: kept.map(({ time }) => time) };
}

/** All lines that a panel keeps. */
export function frozenLines(data: PanelData): Series[] {
  return (data.series ?? []).map(decodeLine);
}

/** The kept lines that a chart asks for, as far as they lie in its range. */
function linesOf(data: PanelData, request: SeriesRequest): Series[] {
  if (data.error) throw new ApiError(0, "not_frozen", data.error, null);
  const keys = new Set(request.keys);
  const groups = new Set(request.groups?.map(({ id }) => id));
  const runs = new Set(request.runs);
  return (data.series ?? [])
    .filter(
      (line) =>
        keys.has(line.key) &&
        line.axis === request.x &&
        (line.group === null ? runs.has(line.run ?? "") : groups.has(line.group)),
    )
    .map((line) => within(decodeLine(line), request.range));
}

const decoded = new WeakMap<WireLine, Series>();

function decodeLine(line: WireLine): Series {
  const known = decoded.get(line);
  if (known) return known;
  const x = decodeArray(line.x);
  const y = decodeArray(line.y);
  const lo = line.lo && decodeArray(line.lo);
  const hi = line.hi && decodeArray(line.hi);
  const series: Series = {
    run: line.run,
    group: line.group,
    process: line.process,
    key: line.key,
    exact: line.exact,
    total: line.total,
    totalAll: line.total_all,
    x,
    y,
    lo,
    hi,
    count: line.count && decodeArray(line.count),
    nonfinite: line.nonfinite && {
      x: decodeArray(line.nonfinite.x),
      kind: decodeArray(line.nonfinite.kind),
    },
    ghost: null,
    firstX: parseNumber(line.first_x) ?? Number.NaN,
    lastX: parseNumber(line.last_x) ?? Number.NaN,
    bytes: x.byteLength + y.byteLength,
  };
  decoded.set(line, series);
  return series;
}

export function decodeArray({ type, data }: WireArray): Numbers {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  if (type === "u1") return bytes;
  return type === "f4" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
}

/** A line within a range, with one point beyond each end so that it reaches the edges of the chart. */
function within(series: Series, range: readonly [number, number] | null): Series {
  if (range === null) return series;
  const { x } = series;
  let [from, to] = [0, x.length];
  while (from < x.length && (x[from] ?? 0) < range[0]) from++;
  while (to > from && (x[to - 1] ?? 0) > range[1]) to--;
  from = Math.max(0, from - 1);
  to = Math.min(x.length, to + 1);
  const cut = (values: Numbers) => values.subarray(from, to) as Numbers;
  return {
    ...series,
    total: series.exact ? to - from : series.total,
    x: cut(x),
    y: cut(series.y),
    lo: series.lo && cut(series.lo),
    hi: series.hi && cut(series.hi),
    count: series.count && cut(series.count),
  };
}

function matrixOf(kept: WireMatrix, columns: readonly Column[]): Matrix {
  const places = new Map(kept.asked.map((column, place) => [columnId(normal(column)), place]));
  return {
    runs: kept.runs,
    numbers: kept.numbers,
    names: kept.names,
    states: kept.states,
    createdAt: kept.created_at,
    columns: columns.map((column) => {
      const found = kept.columns[places.get(columnId(normal(column))) ?? -1];
      return found
        ? matrixColumn(found.kind, found.values)
        : matrixColumn("number", new Array(kept.runs.length).fill(null));
    }),
    match: kept.match,
    cut: kept.cut,
    seq: 0,
  };
}

/** A column in the form in which equal ones are equal: the last value of a metric goes without saying. */
function normal(column: Column): Column {
  const { by, agg = "last", step, of } = column;
  const short =
    agg === "at"
      ? [by, agg, step]
      : agg === "when"
        ? [by, agg, of?.agg, of?.key]
        : agg === "last"
          ? [by]
          : [by, agg];
  return decodeColumn(short) ?? column;
}
