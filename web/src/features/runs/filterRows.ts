// A filter as rows of a form: groups of conditions, each of which may be turned around.

import type { CompareOp, FilterField, FilterNode, FilterTerm, FilterValue, IsWhat } from "@/api/filterTree";

/** Operators in the words of the form. Those with "not" are a turned-around term of the language. */
export type RowOp =
  | CompareOp
  | "in"
  | "not in"
  | "~"
  | "not ~"
  | "contains"
  | "not contains"
  | "has"
  | "not has"
  | `is ${IsWhat}`
  | `is not ${IsWhat}`;

export interface FilterRow {
  kind: "row";
  field: FilterField;
  op: RowOp;
  /** As typed; lists are separated by commas. */
  text: string;
}

export interface FilterGroup {
  kind: "group";
  join: "and" | "or";
  /** The group must not hold. */
  not: boolean;
  items: readonly (FilterRow | FilterGroup)[];
}

export const EMPTY_GROUP: FilterGroup = { kind: "group", join: "and", not: false, items: [] };

export const ROW_OPS: readonly (readonly [RowOp, string])[] = [
  ["=", "="],
  ["!=", "≠"],
  ["<", "<"],
  ["<=", "≤"],
  [">", ">"],
  [">=", "≥"],
  ["in", "is one of"],
  ["not in", "is none of"],
  ["contains", "contains"],
  ["not contains", "contains not"],
  ["~", "matches regex"],
  ["not ~", "matches not"],
  ["has", "has"],
  ["not has", "has not"],
  ["is missing", "is missing"],
  ["is not missing", "is present"],
  ["is nan", "is NaN"],
  ["is not nan", "is not NaN"],
  ["is inf", "is infinite"],
  ["is finite", "is finite"],
  ["is null", "is null"],
];

/** Operators that can say something about a field. */
export function opsFor(field: FilterField): readonly (readonly [RowOp, string])[] {
  const tags = field.space === "column" && field.name === "tags";
  const metric = field.space === "metric";
  return ROW_OPS.filter(([op]) => {
    if (tags) return /has|missing/.test(op);
    if (metric) return !/has|contains|~|null/.test(op);
    return true;
  });
}

export function needsValue(op: RowOp): boolean {
  return !op.startsWith("is ");
}

/** The form of a tree. Every tree has one. */
export function groupOf(node: FilterNode | null): FilterGroup {
  if (node === null) return EMPTY_GROUP;
  const item = itemOf(node);
  return item.kind === "group" ? item : { ...EMPTY_GROUP, items: [item] };
}

function itemOf(node: FilterNode): FilterRow | FilterGroup {
  if (node.op === "and" || node.op === "or") {
    return { kind: "group", join: node.op, not: false, items: node.items.map(itemOf) };
  }
  if (node.op === "not") {
    const inner = itemOf(node.item);
    if (inner.kind === "group")
      return inner.not ? { ...EMPTY_GROUP, not: true, items: [inner] } : { ...inner, not: true };
    const turned = TURNED.get(inner.op);
    return turned ? { ...inner, op: turned } : { ...EMPTY_GROUP, not: true, items: [inner] };
  }
  return rowOf(node);
}

/** Terms that have a word of their own for their opposite. */
const TURNED = new Map<RowOp, RowOp>([
  ["in", "not in"],
  ["~", "not ~"],
  ["contains", "not contains"],
  ["has", "not has"],
  ["is missing", "is not missing"],
  ["is nan", "is not nan"],
  ["is inf", "is not inf"],
  ["is finite", "is not finite"],
  ["is null", "is not null"],
]);

function rowOf(term: FilterTerm): FilterRow {
  const { field } = term;
  if (term.op === "is") return { kind: "row", field, op: `is ${term.what}`, text: "" };
  if (term.op === "in") return { kind: "row", field, op: "in", text: term.values.map(textOf).join(", ") };
  if (term.op === "~" || term.op === "contains" || term.op === "has") {
    return { kind: "row", field, op: term.op, text: term.text };
  }
  return { kind: "row", field, op: term.op, text: textOf(term.value) };
}

/** A value as it is typed: text that looks like something else stands in quotes. */
function textOf(value: FilterValue): string {
  if (typeof value !== "string") return String(value);
  return typeof typedValue(value) === "string" &&
    value === value.trim() &&
    !/[",]/.test(value) &&
    value !== ""
    ? value
    : `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** What was typed: a number, a truth, null, or a text; a quoted one is a text in any case. */
export function typedValue(text: string): FilterValue {
  const trimmed = text.trim();
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(trimmed);
  if (quoted) return (quoted[1] ?? "").replace(/\\(.)/gs, "$1");
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  if (trimmed === "null") return null;
  const number = Number(trimmed);
  return trimmed !== "" && Number.isFinite(number) ? number : trimmed;
}

/** A typed list; commas inside quotes do not part. */
export function valuesOf(text: string): FilterValue[] {
  const parts = text.match(/\s*"(?:[^"\\]|\\.)*"\s*|[^,]+/gs) ?? [];
  return parts.filter((part) => part.trim() !== "").map(typedValue);
}

/** The tree of a form; null while it asks for nothing. Rows without a value are not yet conditions. */
export function treeOf(item: FilterGroup | FilterRow): FilterNode | null {
  if (item.kind === "row") return termOf(item);
  const items = item.items.flatMap((inner) => treeOf(inner) ?? []);
  const [first] = items;
  if (!first) return null;
  const node: FilterNode = items.length === 1 ? first : { op: item.join, items };
  return item.not ? { op: "not", item: node } : node;
}

function termOf({ field, op, text }: FilterRow): FilterNode | null {
  if (op.startsWith("is ")) {
    const not = op.startsWith("is not ");
    const what = op.slice(not ? "is not ".length : "is ".length) as IsWhat;
    const term: FilterNode = { op: "is", field, what };
    return not ? { op: "not", item: term } : term;
  }
  if (text.trim() === "") return null;
  const turned = op.startsWith("not ");
  const plain = turned ? op.slice("not ".length) : op;
  const term = plainTerm(field, plain, text);
  return turned ? { op: "not", item: term } : term;
}

function plainTerm(field: FilterField, op: string, text: string): FilterNode {
  if (op === "in") return { op, field, values: valuesOf(text) };
  if (op === "~" || op === "contains" || op === "has") {
    return { op, field, text: /^".*"$/s.test(text.trim()) ? String(typedValue(text)) : text };
  }
  return { op: op as CompareOp, field, value: typedValue(text) };
}
