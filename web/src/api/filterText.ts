import { type Column, metricOf } from "./columns";
import { quoteText } from "./types";

/** A path that the filter language takes without quotes. */
const PLAIN = /^[\w/\-@:+*$]+(?:\.[\w/\-@:+*$]+)*$/;
/** A metric whose key ends like an aggregate must be quoted, or its end would be read as one. */
const ENDS_LIKE_AGGREGATE = /\.(?:last_step|last|min|max|mean|first|n)$/;

/** A column as a field of the filter language; null for what no filter can name. */
export function fieldOf(column: Column): string | null {
  const metric = metricOf(column);
  if (metric !== null) {
    const agg = column.agg ?? "last";
    return agg === "at" || agg === "when" ? null : `metric.${pathOf(metric)}.${agg}`;
  }
  const dot = column.by.indexOf(".");
  if (dot < 0) return column.by;
  const space = column.by.slice(0, dot);
  if (space === "meta") return null;
  return `${space}.${pathOf(column.by.slice(dot + 1))}`;
}

function pathOf(key: string): string {
  return PLAIN.test(key) && !ENDS_LIKE_AGGREGATE.test(key) ? key : quoteText(key);
}

/** Both must hold; an empty one asks for nothing. */
export function joinFilters(...filters: readonly string[]): string {
  const parts = filters.map((filter) => filter.trim()).filter(Boolean);
  return parts.length < 2 ? (parts[0] ?? "") : parts.map((part) => `(${part})`).join(" and ");
}

/** The filter for runs whose value of *by* is *value*; null where the language cannot say it (a list, a map). */
export function equalsFilter(by: string, value: unknown): string | null {
  const field = fieldOf({ by });
  if (field === null) return null;
  if (value === null || value === undefined) return `${field} is missing`;
  if (value === "NaN" && by.startsWith("metric:")) return `${field} is nan`;
  if (typeof value === "string") return `${field} = ${quoteText(value)}`;
  if (typeof value === "boolean") return `${field} = ${value}`;
  if (typeof value === "number") return `${field} = ${numberText(value)}`;
  return null;
}

/** Exactly this number: what JavaScript prints is read back as the same value. */
export function numberText(value: number): string {
  return String(value);
}

/** The filter for the runs of a group; null where the language cannot say it. */
export function groupFilter(path: readonly { by: string; value: unknown }[]): string | null {
  const terms: string[] = [];
  for (const { by, value } of path) {
    const parts: readonly [string, unknown][] =
      by.startsWith("except:") && typeof value === "object" && value !== null
        ? Object.entries(value).map(([key, inner]) => [`config.${key}`, inner])
        : [[by, value]];
    for (const [name, inner] of parts) {
      const term = equalsFilter(name, inner);
      if (term === null) return null;
      terms.push(term);
    }
  }
  return terms.join(" and ");
}

/** The filter for exactly these runs. */
export function runsFilter(runs: readonly string[]): string {
  return `run_key in [${runs.map(quoteText).join(", ")}]`;
}
