import { type Column, columnId } from "@/api/columns";
import { fieldOf, joinFilters } from "@/api/filterText";
import { quoteText } from "@/api/types";
import type { Settings } from "@/state/layout";
import { checkColumn, choiceSetting, columnSetting, DIRECTIONS, isText } from "../matrix/checks";

/** From … to: numbers, or the names of the outermost categories. */
export type AxisRange = readonly [number, number] | readonly [string, string];

export interface AxisSetting {
  readonly column: Column;
  readonly flipped?: boolean;
  readonly log?: boolean;
  readonly range?: AxisRange;
}

export interface ParallelSettings {
  /** Empty = what varies most, and the main metric. */
  axes: readonly AxisSetting[];
  /** Null = the last axis that is a metric. */
  color: Column | null;
  /** What is good of that; null = what the metric declares. */
  best: "min" | "max" | null;
}

export const DEFAULTS: ParallelSettings = { axes: [], color: null, best: null };

/** More axes than this do not fit beside each other. */
export const AXES_LIMIT = 24;

export function check(raw: Settings): Partial<ParallelSettings> {
  const axes = Array.isArray(raw.axes)
    ? raw.axes.flatMap((axis) => checkAxis(axis) ?? []).slice(0, AXES_LIMIT)
    : null;
  return {
    ...(axes && axes.length > 0 ? { axes } : {}),
    ...columnSetting("color", raw.color),
    ...choiceSetting("best", raw.best, DIRECTIONS),
  };
}

function checkAxis(raw: unknown): AxisSetting | null {
  if (typeof raw !== "object" || raw === null) return null;
  const { column, flipped, log, range } = raw as Record<string, unknown>;
  const checked = checkColumn(column);
  if (!checked) return null;
  const ends = checkRange(range);
  return {
    column: checked,
    ...(flipped === true ? { flipped } : {}),
    ...(log === true ? { log } : {}),
    ...(ends ? { range: ends } : {}),
  };
}

function checkRange(raw: unknown): AxisRange | null {
  if (!Array.isArray(raw) || raw.length !== 2) return null;
  const [low, high]: unknown[] = raw;
  if (typeof low === "number" && typeof high === "number") return low <= high ? [low, high] : null;
  return isText(low) && isText(high) ? [low, high] : null;
}

export function name(): string {
  return "Parallel coordinates";
}

/** Axes after one was moved by *step* places. */
export function moveAxis(axes: readonly AxisSetting[], from: number, to: number): readonly AxisSetting[] {
  const moved = axes[from];
  if (!moved || to < 0 || to >= axes.length || to === from) return axes;
  const rest = axes.filter((_, index) => index !== from);
  return [...rest.slice(0, to), moved, ...rest.slice(to)];
}

/** A brush as a filter of the run list; null where the language cannot say it. */
export function rangeFilter({ column, range }: AxisSetting, categories: readonly string[]): string | null {
  const field = fieldOf(column);
  if (!range || field === null) return null;
  const [low, high] = range;
  if (typeof low === "number") return `${field} >= ${low} and ${field} <= ${high}`;
  const [from, to] = [categories.indexOf(low), categories.indexOf(String(high))];
  if (from < 0 || to < 0) return null;
  const names = categories.slice(Math.min(from, to), Math.max(from, to) + 1);
  // Categories that are written like numbers or truths are such in the config.
  return `${field} in [${names.map(literal).join(", ")}]`;
}

function literal(text: string): string {
  if (text === "true" || text === "false") return text;
  return text.trim() !== "" && Number.isFinite(Number(text)) ? text : quoteText(text);
}

export function brushFilter(
  axes: readonly AxisSetting[],
  categoriesOf: (id: string) => readonly string[],
): string {
  return joinFilters(...axes.flatMap((axis) => rangeFilter(axis, categoriesOf(columnId(axis.column))) ?? []));
}
