import type { ColumnSpread, TableGroup } from "@/api/runsTable";
import { parseNumber } from "@/api/types";

/** One column over the runs of a group. */
export interface Spread {
  n: number;
  mean: number;
  /** With n − 1; 0 for a single value. */
  std: number;
  /** What all runs of the group have; undefined if they differ or none has a value. */
  common: unknown;
  distinct: number;
}

export function spreadOf(wire: ColumnSpread): Spread {
  return {
    n: wire.n,
    mean: parseNumber(wire.mean) ?? Number.NaN,
    std: parseNumber(wire.std) ?? Number.NaN,
    common: wire.distinct === 1 ? (wire.common ?? undefined) : undefined,
    distinct: wire.distinct,
  };
}

/**
 * The spread of a group from those of its parts, exactly: n, mean and variance of a union follow from
 * those of disjoint parts (Chan, Golub and LeVeque 1979).
 */
export function combineSpreads(parts: readonly Spread[]): Spread {
  let [n, mean, squares] = [0, 0, 0];
  let distinct = 0;
  const common = new Set<string>();
  let value: unknown;
  for (const part of parts) {
    if (part.distinct > 0) {
      distinct = Math.max(distinct, part.distinct);
      common.add(part.common === undefined ? `?${common.size}` : JSON.stringify(part.common));
      value = part.common;
    }
    if (part.n === 0 || Number.isNaN(part.mean)) continue;
    const total = n + part.n;
    const away = part.mean - mean;
    squares +=
      (Number.isNaN(part.std) ? 0 : part.std) ** 2 * (part.n - 1) + (away * away * n * part.n) / total;
    mean += (away * part.n) / total;
    n = total;
  }
  return {
    n,
    mean: n > 0 ? mean : Number.NaN,
    std: n > 1 ? Math.sqrt(squares / (n - 1)) : 0,
    common: common.size === 1 ? value : undefined,
    distinct: Math.max(distinct, common.size),
  };
}

type GroupStep = TableGroup["path"][number];

/** A group in the table, with the groups in it. */
export interface GroupNode {
  /** The path as text: the group's name in the list of folded ones. */
  id: string;
  depth: number;
  by: string;
  value: unknown;
  path: readonly { by: string; value: unknown }[];
  count: number;
  runs: readonly string[];
  spreads: readonly Spread[];
  children: readonly GroupNode[];
  /** Runs that lie in this group and in none of its children: all of a group without any, and of a folder its own. */
  own: number;
}

/** The groups of the server, which are the innermost ones, as a tree. The order of the groups is kept. */
export function groupTree(groups: readonly TableGroup[]): GroupNode[] {
  return nest(
    groups.map((group) => ({ ...group, path: group.path.flatMap(folders) })),
    0,
  );
}

/** A folder as the folders on the way to it, each inside the one before. */
function folders(step: GroupStep): GroupStep[] {
  if (step.by !== "folder" || typeof step.value !== "string") return [step];
  const names = step.value.split("/");
  return names.map((_, i) => ({ by: step.by, value: names.slice(0, i + 1).join("/") }));
}

function nest(groups: readonly TableGroup[], depth: number): GroupNode[] {
  const members = new Map<string, TableGroup[]>();
  for (const group of groups) {
    const step = group.path[depth];
    if (!step) continue;
    const name = JSON.stringify([step.by, step.value ?? null]);
    const same = members.get(name);
    if (same) same.push(group);
    else members.set(name, [group]);
  }
  return [...members.values()].flatMap((inside) => {
    const [first] = inside;
    const step = first?.path[depth];
    if (!first || !step) return [];
    const path = first.path.slice(0, depth + 1);
    const here = inside.filter((group) => depth === group.path.length - 1);
    const children = nest(
      inside.filter((group) => depth < group.path.length - 1),
      depth + 1,
    );
    const parts = [
      ...here.map(({ columns }) => columns.map(spreadOf)),
      ...children.map(({ spreads }) => spreads),
    ];
    return {
      id: `group:${JSON.stringify(path.map(({ value }) => value ?? null))}`,
      depth,
      by: step.by,
      value: step.value,
      path,
      count: inside.reduce((sum, { count }) => sum + count, 0),
      runs: inside.flatMap(({ runs }) => runs),
      spreads:
        parts.length === 1 && parts[0]
          ? parts[0]
          : first.columns.map((_, i) => combineSpreads(parts.flatMap((spreads) => spreads[i] ?? []))),
      children,
      own: here.reduce((sum, { count }) => sum + count, 0),
    };
  });
}
