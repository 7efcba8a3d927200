/** Which of a metric's values stands for a run. "at" = at the last step ≤ `step`; "when" = where `of` is best. */
export type ColumnAgg = "last" | "min" | "max" | "mean" | "first" | "n" | "last_step" | "at" | "when";

/**
 * One value per run. `by` is a column of the run list, `config.<key>`, `summary.<key>`, `meta.<path>` or
 * `metric:<key>`; the rest belongs to metrics.
 */
export interface Column {
  by: string;
  agg?: ColumnAgg;
  step?: number;
  of?: { key: string; agg: "min" | "max" };
}

/** Which runs are meant: all that match, narrowed to `runs`. */
export interface RunSelection {
  entity: string;
  project: string;
  filter?: string;
  search?: string;
  regex?: boolean;
  runs?: readonly string[];
}

export const METRIC = "metric:";

/** The metric a column reads; null for all that is no metric. */
export function metricOf({ by }: Column): string | null {
  return by.startsWith(METRIC) ? by.slice(METRIC.length) : null;
}

/** A name that tells columns apart, also two aggregates of one metric. */
export function columnId(column: Column): string {
  return metricOf(column) === null ? column.by : JSON.stringify(encodeColumn(column));
}

/** A column as a short list, for addresses. */
export function encodeColumn({ by, agg, step, of }: Column): (string | number)[] {
  if (agg === "at" && step !== undefined) return [by, agg, step];
  if (agg === "when" && of) return [by, agg, of.agg, of.key];
  return agg && agg !== "last" ? [by, agg] : [by];
}

const AGGS: readonly ColumnAgg[] = ["last", "min", "max", "mean", "first", "n", "last_step", "at", "when"];

/** The inverse of `encodeColumn`; null for what is none. */
export function decodeColumn(value: unknown): Column | null {
  if (!Array.isArray(value)) return null;
  const [by, name, first, second]: unknown[] = value;
  if (typeof by !== "string" || by === "") return null;
  if (name === undefined) return by.startsWith(METRIC) ? { by, agg: "last" } : { by };
  const agg = AGGS.find((candidate) => candidate === name);
  if (!agg || !by.startsWith(METRIC)) return null;
  if (agg === "at") {
    return typeof first === "number" && Number.isSafeInteger(first) ? { by, agg, step: first } : null;
  }
  if (agg === "when") {
    return (first === "min" || first === "max") && typeof second === "string" && second
      ? { by, agg, of: { key: second, agg: first } }
      : null;
  }
  return { by, agg };
}

const FIELDS: Readonly<Record<string, string>> = {
  name: "name",
  id: "id",
  run_key: "key",
  state: "state",
  group: "group",
  job_type: "job type",
  folder: "folder",
  parent: "parent",
  notes: "notes",
  host: "host",
  number: "number",
  created_at: "created",
  ended_at: "ended",
  last_activity_at: "last activity",
  runtime: "runtime",
  archived: "archived",
  damaged: "damaged",
  tags: "tags",
};

/** Columns of the run list itself. */
export const RUN_FIELDS: readonly string[] = Object.keys(FIELDS);

export interface ColumnName {
  name: string;
  /** Where it comes from, or which value of the metric: config, max, step 1,000… */
  note: string;
}

/** What a column is called. */
export function columnName(column: Column): ColumnName {
  const { by, agg = "last", step, of } = column;
  const key = metricOf(column);
  if (key !== null) {
    if (agg === "at") return { name: key, note: `at step ${(step ?? 0).toLocaleString("en-US")}` };
    if (agg === "when" && of) return { name: key, note: `where ${of.key} is ${SUPERLATIVES[of.agg]}` };
    return { name: key, note: AGG_NOTES[agg] ?? agg };
  }
  for (const space of ["config", "summary", "meta"]) {
    if (by.startsWith(`${space}.`)) return { name: by.slice(space.length + 1), note: space };
  }
  return { name: FIELDS[by] ?? by, note: "" };
}

const SUPERLATIVES = { min: "lowest", max: "highest" } as const;
const AGG_NOTES: Readonly<Record<string, string>> = { n: "points", last_step: "last step" };

/** A column in one line: `val/acc max`. */
export function columnTitle(column: Column): string {
  const { name, note } = columnName(column);
  return note && note !== "config" ? `${name} ${note}` : name;
}
