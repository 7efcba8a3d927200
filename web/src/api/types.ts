import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type ServerInfo = Schemas["ServerInfo"];
export type Notice = Schemas["Notice"];
export type Disk = Schemas["DiskRoom"];
export type Holding = Schemas["HoldingInfo"];
export type NotWhole = Schemas["NotWholeRun"];
export type Lack = Schemas["LackInfo"];
export type ProjectRow = Schemas["ProjectRow"];
export type ProjectDetail = Schemas["ProjectDetail"];
export type KeyInfo = Schemas["KeyInfo"];
export type RunRow = Schemas["RunRow"];
export type RunDetail = Schemas["RunDetail"];
export type RunPage = Schemas["RunPage"];
export type RunGroup = Schemas["RunGroup"];
export type RunQuery = Schemas["RunsQuery"];
export type RunEdit = Schemas["RunEdit"];
export type RunState = RunRow["state"];
export type MetricSummary = Schemas["MetricSummary"];
export type Changes = Schemas["Changes"];

/** A number as it travels in JSON, which has no NaN and no infinities. */
export type WireNumber = number | string | null | undefined;

/** The number meant; missing is `null`, which is not the same as NaN. */
export function parseNumber(wire: WireNumber): number | null {
  if (wire === null || wire === undefined) return null;
  if (typeof wire === "number") return wire;
  if (wire === "NaN") return Number.NaN;
  if (wire === "Infinity") return Number.POSITIVE_INFINITY;
  if (wire === "-Infinity") return Number.NEGATIVE_INFINITY;
  return null;
}

/** A moment as milliseconds; the server sends unix seconds or an ISO date. */
export function parseMoment(wire: number | string | null | undefined): number | null {
  if (wire === null || wire === undefined) return null;
  const at = typeof wire === "number" ? wire * 1000 : Date.parse(wire);
  return Number.isFinite(at) ? at : null;
}

/** A text as a literal of the filter language. */
export function quoteText(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
