import { type Column, METRIC } from "./columns";
import { postJson } from "./request";

/** A field of the filter language. */
export interface FilterField {
  space: "column" | "config" | "summary" | "metric";
  name: string;
  /** Of metrics; "" for all else. */
  agg: string;
}

export type FilterValue = string | number | boolean | null;
export type CompareOp = "=" | "!=" | "<" | "<=" | ">" | ">=";
export type IsWhat = "missing" | "null" | "nan" | "inf" | "finite";

export type FilterTerm =
  | { op: CompareOp; field: FilterField; value: FilterValue }
  | { op: "in"; field: FilterField; values: FilterValue[] }
  | { op: "~"; field: FilterField; text: string }
  | { op: "contains"; field: FilterField; text: string }
  | { op: "has"; field: FilterField; text: string }
  | { op: "is"; field: FilterField; what: IsWhat };

/** A filter as a tree: what the text says, and nothing else. */
export type FilterNode =
  | { op: "and"; items: FilterNode[] }
  | { op: "or"; items: FilterNode[] }
  | { op: "not"; item: FilterNode }
  | FilterTerm;

interface FilterForms {
  text: string;
  tree: FilterNode;
}

/** The tree of a text. A text that does not parse is refused with the place and what was expected there. */
export async function parseFilter(text: string, signal?: AbortSignal): Promise<FilterNode> {
  return (await postJson<FilterForms>("filter", { text }, signal)).tree;
}

/** The text of a tree. */
export async function writeFilter(tree: FilterNode, signal?: AbortSignal): Promise<string> {
  return (await postJson<FilterForms>("filter", { tree }, signal)).text;
}

/** The field that a column is to the language; null for what no filter can name. */
export function filterField({ by, agg = "last" }: Column): FilterField | null {
  if (by.startsWith(METRIC)) {
    return agg === "at" || agg === "when" ? null : { space: "metric", name: by.slice(METRIC.length), agg };
  }
  const dot = by.indexOf(".");
  if (dot < 0) return { space: "column", name: by, agg: "" };
  const space = by.slice(0, dot);
  if (space !== "config" && space !== "summary") return null;
  return { space, name: by.slice(dot + 1), agg: "" };
}

/** The inverse of `filterField`. */
export function columnOfField({ space, name, agg }: FilterField): Column {
  if (space === "column") return { by: name };
  if (space === "metric") return { by: METRIC + name, agg: (agg || "last") as NonNullable<Column["agg"]> };
  return { by: `${space}.${name}` };
}
