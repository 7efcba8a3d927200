// What an exported page holds; see cli/export_payload.py, which writes it.

import type { RunState, WireNumber } from "@/api/types";
import type { PageReport } from "./ReportView";

export interface PageSeries {
  key: string;
  n: number;
  unit: string | null;
  goal: "minimize" | "maximize" | null;
  steps: number;
  times: number;
  values: number;
}

export interface PageMedia {
  key: string;
  step: number;
  type: string;
  caption: string;
  /** Number of the block with its bytes; only of pictures. */
  picture?: number;
  mime?: string;
}

export interface PageRun {
  run_key: string;
  run_id: string;
  name: string;
  number: number;
  state: RunState;
  created_at: number;
  runtime_s: number | null;
  group: string | null;
  notes: string | null;
  tags: string[];
  config: Record<string, unknown>;
  summary: Record<string, WireNumber | unknown>;
  meta: Record<string, unknown>;
  series: PageSeries[];
  texts: [string, number, number, string][];
  media: PageMedia[];
}

export interface PageIndex {
  format: number;
  kind: "run" | "project" | "report";
  title: string;
  version: string;
  exported_at: number;
  runs: PageRun[];
  report?: PageReport;
}

const FORMAT = 1;

function textOf(id: string): string {
  return document.getElementById(id)?.textContent ?? "";
}

/** What stands in the page. Throws if it is of a later format. */
export function readPage(): { index: PageIndex; blocks: string[] } {
  const index = JSON.parse(textOf("treering-index")) as PageIndex;
  if (index.format !== FORMAT)
    throw new Error(`This page has format ${index.format}, and its script knows ${FORMAT}.`);
  return { index, blocks: JSON.parse(textOf("treering-blocks")) as string[] };
}

/** The bytes that a block is. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const columns = new Map<number, Promise<Float64Array>>();

/** A column of numbers, unpacked when it is first drawn. */
export function columnOf(blocks: readonly string[], block: number): Promise<Float64Array> {
  let found = columns.get(block);
  if (!found) {
    found = unpack(blocks[block] ?? "");
    columns.set(block, found);
  }
  return found;
}

async function unpack(base64: string): Promise<Float64Array> {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Float64Array(await new Response(stream).arrayBuffer());
}

const pictures = new Map<number, string>();

/** The address of a picture in the page. */
export function pictureOf(blocks: readonly string[], block: number, mime: string): string {
  let found = pictures.get(block);
  if (!found) {
    found = URL.createObjectURL(new Blob([bytesOf(blocks[block] ?? "")], { type: mime }));
    pictures.set(block, found);
  }
  return found;
}
