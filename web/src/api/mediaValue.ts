import type { WireNumber } from "./types";

/** Bytes of a run, by their SHA-256. */
export interface BlobRef {
  sha256: string;
  /** Bytes. */
  size: number;
}

export interface BoxMark {
  /** Fractions 0..1 of width and height. */
  position: { minX: number; maxX: number; minY: number; maxY: number };
  class_id: number;
  box_caption?: string;
  scores?: Readonly<Record<string, WireNumber>>;
}

export interface BoxGroup {
  class_labels?: Readonly<Record<string, string>>;
  boxes: readonly BoxMark[];
}

/** A grey picture whose values are class ids, 8 or 16 bits. */
export interface MaskGroup extends BlobRef {
  format?: string;
  class_labels?: Readonly<Record<string, string>>;
}

export interface ImageValue extends BlobRef {
  _type: "image-file";
  format: string;
  width: number;
  height: number;
  caption?: string;
  boxes?: Readonly<Record<string, BoxGroup>>;
  masks?: Readonly<Record<string, MaskGroup>>;
}

export interface AudioValue extends BlobRef {
  _type: "audio-file";
  format: string;
  duration_s?: number;
  sample_rate?: number;
  channels?: number;
  caption?: string;
  /** Lowest and highest sample of each piece, in -1..1. */
  peaks?: readonly (readonly [number, number])[];
}

export interface VideoValue extends BlobRef {
  _type: "video-file";
  format: string;
  width?: number;
  height?: number;
  frames?: number;
  fps?: number;
  caption?: string;
}

export interface HtmlValue extends BlobRef {
  _type: "html-file";
}

type Point3 = readonly [number, number, number];

export interface SolidBox {
  corners: readonly Point3[];
  label?: string;
  /** 0..255 each. */
  color?: Point3;
}

export interface SolidVector {
  start: Point3;
  end: Point3;
}

export interface Object3DValue extends BlobRef {
  _type: "object3D-file";
  format: string;
  points?: number;
  columns?: "xyz" | "xyzc" | "xyzrgb";
  boxes?: readonly SolidBox[];
  vectors?: readonly SolidVector[];
  caption?: string;
}

export interface MoleculeValue extends BlobRef {
  _type: "molecule-file";
  format: string;
  caption?: string;
}

export interface TableValue extends BlobRef {
  _type: "table-file";
  nrows: number;
  ncols: number;
  columns: readonly string[];
  /** "number", "text", "vector:8", a media kind, … */
  types: readonly string[];
}

export interface HistogramValue {
  _type: "histogram";
  /** n + 1 edges. */
  bins: readonly WireNumber[];
  values: readonly WireNumber[];
  /** Values that no bin has. */
  nan?: number;
  inf?: number;
}

export interface PlotlyValue extends BlobRef {
  _type: "plotly-file";
}

export interface VegaValue extends BlobRef {
  _type: "vega-file";
  table?: TableValue;
}

export type PlotPreset =
  | "line"
  | "bar"
  | "scatter"
  | "histogram"
  | "line_series"
  | "confusion_matrix"
  | "pr_curve"
  | "roc_curve";

export interface PlotValue {
  _type: "plot";
  preset: PlotPreset;
  title?: string;
  /** Role → column of the table. */
  fields: Readonly<Record<string, string>>;
  strings?: Readonly<Record<string, string>>;
  table: TableValue;
}

export interface GraphValue extends BlobRef {
  _type: "graph";
  parameters?: number;
}

export type MediaValue =
  | ImageValue
  | AudioValue
  | VideoValue
  | HtmlValue
  | Object3DValue
  | MoleculeValue
  | TableValue
  | HistogramValue
  | PlotlyValue
  | VegaValue
  | PlotValue
  | GraphValue;

export type MediaKind = MediaValue["_type"] | "text";

/** What was logged under a key at a step: text, one value, or several of one kind. */
export type Logged = string | MediaValue | { _type: string; items: readonly object[] };

/** The single values of what was logged, each with its kind. Text has none. */
export function valuesOf(logged: Logged): MediaValue[] {
  if (typeof logged === "string") return [];
  if (!("items" in logged)) return [logged];
  return logged.items.map((item) => ({ ...item, _type: logged._type }) as MediaValue);
}

/** A media value in a cell of a table, which may be JSON text; null if it is not one. */
export function mediaCell(cell: unknown): MediaValue | null {
  const value = typeof cell === "string" && cell.startsWith("{") ? parse(cell) : cell;
  return typeof value === "object" && value !== null && "_type" in value ? (value as MediaValue) : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
