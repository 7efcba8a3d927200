import type { Column } from "@/charts/core/columns";
import { parseNumber, type WireNumber } from "./types";

/** Where a column lies in the array section of a reply. */
export interface ColumnRef {
  off: number;
  n: number;
  dtype: "f8" | "f4" | "u4" | "u1";
}

interface SeriesHeader {
  run: string | null;
  group?: string | null;
  process?: string;
  rank?: number;
  key: string;
  exact: boolean;
  n: number;
  total: number;
  total_all: number;
  x: ColumnRef;
  y: ColumnRef;
  lo: ColumnRef | null;
  hi: ColumnRef | null;
  count?: ColumnRef | null;
  nonfinite: { x: ColumnRef; kind: ColumnRef } | null;
  ghost: { x: ColumnRef; y: ColumnRef } | null;
  first_x: WireNumber;
  last_x: WireNumber;
}

interface Header {
  x: string;
  seq: number;
  series: SeriesHeader[];
  missing?: { run: string | null; key: string }[];
}

/** One series of a reply; all columns are views on the reply's bytes. */
export interface Series {
  run: string | null;
  group: string | null;
  /** Id of the process whose line it is. */
  process: string | null;
  key: string;
  /** Every point is here; otherwise each point stands for a bucket with its lowest and highest value. */
  exact: boolean;
  /** Points in the requested range, before thinning. */
  total: number;
  /** Points of the whole series. */
  totalAll: number;
  x: Column;
  y: Column;
  lo: Column | null;
  hi: Column | null;
  /** Runs behind each point of a group's mean. */
  count: Column | null;
  nonfinite: { x: Column; kind: Column } | null;
  ghost: { x: Column; y: Column } | null;
  firstX: number;
  lastX: number;
  /** What the series weighs in a cache. */
  bytes: number;
}

export interface SeriesReply {
  seq: number;
  series: Series[];
  missing: { run: string | null; key: string }[];
}

const MAGIC = "TRC1";
const WIDTHS = { f8: 8, f4: 4, u4: 4, u1: 1 } as const;

/**
 * Reads `application/x-treering-frames`:
 * "TRC1" · u32 header length · JSON header padded with spaces to a multiple of 8 · arrays, each on 8 bytes.
 *
 * Offsets count from the start of the array section. Throws RangeError on bytes that are not a whole reply.
 */
export function decodeFrames(buffer: ArrayBuffer): SeriesReply {
  const { header, column } = openFrames<Header>(buffer);
  const maybeColumn = (ref: ColumnRef | null | undefined) => (ref ? column(ref) : null);

  const series = header.series.map((entry): Series => {
    const x = column(entry.x);
    const y = column(entry.y);
    const lo = maybeColumn(entry.lo);
    const hi = maybeColumn(entry.hi);
    return {
      run: entry.run,
      group: entry.group ?? null,
      process: entry.process ?? null,
      key: entry.key,
      exact: entry.exact,
      total: entry.total,
      totalAll: entry.total_all,
      x,
      y,
      lo,
      hi,
      count: maybeColumn(entry.count),
      nonfinite: entry.nonfinite
        ? { x: column(entry.nonfinite.x), kind: column(entry.nonfinite.kind) }
        : null,
      ghost: entry.ghost ? { x: column(entry.ghost.x), y: column(entry.ghost.y) } : null,
      firstX: parseNumber(entry.first_x) ?? Number.NaN,
      lastX: parseNumber(entry.last_x) ?? Number.NaN,
      bytes: x.byteLength + y.byteLength + (lo?.byteLength ?? 0) + (hi?.byteLength ?? 0),
    };
  });
  return { seq: header.seq, series, missing: header.missing ?? [] };
}

/** A reply's header, and what reads the arrays that it names. Throws RangeError as `decodeFrames` does. */
export function openFrames<Head>(buffer: ArrayBuffer): { header: Head; column(ref: ColumnRef): Column } {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || new TextDecoder().decode(new Uint8Array(buffer, 0, 4)) !== MAGIC) {
    throw new RangeError("not a treering frames reply");
  }
  const headerLength = view.getUint32(4, true);
  const start = 8 + headerLength;
  if (start > buffer.byteLength) throw new RangeError(`header of ${headerLength} bytes is cut off`);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, headerLength))) as Head;
  const column = (ref: ColumnRef): Column => {
    const from = start + ref.off;
    if (from + ref.n * WIDTHS[ref.dtype] > buffer.byteLength) {
      throw new RangeError(`array at ${ref.off} (${ref.n} × ${ref.dtype}) is cut off`);
    }
    switch (ref.dtype) {
      case "f8":
        return new Float64Array(buffer, from, ref.n);
      case "f4":
        return new Float32Array(buffer, from, ref.n);
      case "u4":
        return new Uint32Array(buffer, from, ref.n);
      case "u1":
        return new Uint8Array(buffer, from, ref.n);
    }
  };
  return { header, column };
}
