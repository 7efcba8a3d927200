// What settings of panels over runs may be: links and saved views are written by anybody.

import { type Column, decodeColumn, METRIC } from "@/api/columns";

const TEXT_LIMIT = 1_024;

export function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_LIMIT;
}

/** A column as it is kept in settings; null for what is none. */
export function checkColumn(value: unknown): Column | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { by, agg, step, of } = value as { by?: unknown; agg?: unknown; step?: unknown; of?: unknown };
  if (!isText(by) || by === "") return null;
  if (!by.startsWith(METRIC) || agg === undefined) return decodeColumn([by]);
  if (agg === "at") return decodeColumn([by, agg, step]);
  if (agg === "when" && typeof of === "object" && of !== null) {
    const { key, agg: best } = of as { key?: unknown; agg?: unknown };
    return decodeColumn([by, agg, best, key]);
  }
  return decodeColumn([by, agg]);
}

/** `{name: column}` where it is one, `{name: null}` where it is null, else nothing. */
export function columnSetting<Name extends string>(
  name: Name,
  value: unknown,
): { [Key in Name]?: Column | null } {
  const column = checkColumn(value);
  if (column) return { [name]: column } as { [Key in Name]?: Column | null };
  return value === null ? ({ [name]: null } as { [Key in Name]?: Column | null }) : {};
}

/** `{name: value}` where it is one of *options*. */
export function choiceSetting<Name extends string, Value>(
  name: Name,
  value: unknown,
  options: readonly Value[],
): { [Key in Name]?: Value } {
  return options.includes(value as Value) ? ({ [name]: value } as { [Key in Name]?: Value }) : {};
}

export const SWITCH = [true, false] as const;
export const DIRECTIONS = ["min", "max"] as const;
