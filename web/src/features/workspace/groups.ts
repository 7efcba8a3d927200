import { parseNumber, type RunGroup, type RunRow } from "@/api/types";
import { formatNumber } from "@/ui/humanize";

/** A group of the sidebar with its loaded rows. */
export interface Group {
  id: string;
  /** What the group has in common: key and value as text, one per grouping key. */
  path: { name: string; value: string }[];
  count: number;
  /** Keys of all its runs, loaded or not. */
  runs: readonly string[];
  rows: readonly RunRow[];
  slot: number;
  metrics: RunGroup["metrics"];
}

/**
 * Joins the server's groups with the loaded rows.
 *
 * A group's colour is its rank by oldest run, so that a new group never recolours the others and sorting
 * or filtering keeps every colour.
 */
export function joinGroups(groups: readonly RunGroup[], rows: readonly RunRow[]): Group[] {
  const byKey = new Map(rows.map((row) => [row.run_key, row]));
  const joined = groups.map((group) => {
    const members = new Set(group.runs);
    return {
      id: `group:${JSON.stringify(group.path.map(({ value }) => value))}`,
      path: group.path.flatMap(({ by, value }) => steps(by, value)),
      count: group.count,
      runs: group.runs,
      // In the order of the rows, which is the chosen one.
      rows: rows.filter(({ run_key }) => members.has(run_key)),
      oldest: Math.min(...group.runs.map((run) => byKey.get(run)?.number ?? Number.POSITIVE_INFINITY)),
      metrics: group.metrics,
    };
  });
  const ranks = joined.map(({ id, oldest }) => ({ id, oldest })).sort((a, b) => a.oldest - b.oldest);
  const slots = new Map(ranks.map(({ id }, rank) => [id, rank]));
  return joined.map(({ oldest: _, ...group }) => ({ ...group, slot: slots.get(group.id) ?? 0 }));
}

/** Groups in the order of the mean of *key*, where the list is sorted by it; without a mean last, both ways. */
export function sortGroups(groups: readonly Group[], key: string, desc: boolean): Group[] {
  const meanOf = (group: Group) => parseNumber(group.metrics[key]?.mean) ?? Number.NaN;
  return [...groups].sort((a, b) => {
    const [left, right] = [meanOf(a), meanOf(b)];
    if (Number.isNaN(left) || Number.isNaN(right))
      return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
    return desc ? right - left : left - right;
  });
}

const EXCEPT = "except:";

/** Grouping by all config keys but these: runs that differ in nothing else are one group. */
export function exceptKeys(keys: readonly string[]): string {
  return EXCEPT + JSON.stringify(keys);
}

/** The config keys that a grouping leaves aside; null for one by a key. */
export function keysLeftOut(by: string): readonly string[] | null {
  if (!by.startsWith(EXCEPT)) return null;
  try {
    const keys: unknown = JSON.parse(by.slice(EXCEPT.length));
    return Array.isArray(keys) ? keys.map(String) : [];
  } catch {
    return [];
  }
}

/** What a grouping says of a group: one value, or, where it is by all keys but some, those that vary. */
function steps(by: string, value: unknown): { name: string; value: string }[] {
  if (keysLeftOut(by) === null) return [{ name: groupName(by), value: showValue(value) }];
  const varying = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return varying.length > 0
    ? varying.map(([name, one]) => ({ name, value: showValue(one) }))
    : [{ name: "config", value: "all equal" }];
}

/** `config.optimizer.lr` → `optimizer.lr`. */
export function groupName(by: string): string {
  const left = keysLeftOut(by);
  return left ? `all but ${left.join(", ")}` : by.replace(/^config\./, "");
}

/** A config value in one line. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return "not set";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}
