import type { ColumnAgg, RunSelection } from "./columns";
import { postJson } from "./request";
import type { WireNumber } from "./types";

export type Goal = "min" | "max";

export interface SeedGroup {
  label: Record<string, unknown>;
  hash: string;
  runs: string[];
  values: WireNumber[];
  n: number;
  mean: WireNumber;
  std: WireNumber;
  stderr: WireNumber;
  ci: [WireNumber, WireNumber] | null;
  min: WireNumber;
  max: WireNumber;
  rank: number;
}

export interface SeedsReply {
  /** Config keys that were left out when runs were called equal. */
  ignored: string[];
  /** Config keys by which the groups differ. */
  varying: string[];
  groups: SeedGroup[];
}

export interface MetricChoice {
  metric: string;
  agg: ColumnAgg;
}

export function fetchSeeds(
  selection: RunSelection,
  ask: MetricChoice & { goal: Goal | null; ignore?: readonly string[] },
  signal?: AbortSignal,
): Promise<SeedsReply> {
  return postJson("statistics/seeds", { ...selection, ...ask }, signal);
}

export interface GroupComparison {
  n: [number, number];
  mean: [WireNumber, WireNumber];
  std: [WireNumber, WireNumber];
  difference: WireNumber;
  ci: [WireNumber, WireNumber] | null;
  test: "welch" | "paired t" | null;
  t: WireNumber;
  df: WireNumber;
  p: WireNumber;
  effect: { name: string; value: WireNumber; ci: [WireNumber, WireNumber] | null } | null;
  /** Probability that a run of a is above one of b. */
  superiority: WireNumber;
  more_runs: { per_group: number | null; note: string } | null;
  warnings: string[];
}

export function fetchGroupComparison(
  ask: MetricChoice & {
    a: readonly string[];
    b: readonly string[];
    pair_by?: string;
    confidence?: number;
  },
  signal?: AbortSignal,
): Promise<GroupComparison> {
  return postJson("statistics/compare", ask, signal);
}

export type ImportanceMethod = "auto" | "fanova" | "ped_anova" | "mdi" | "correlation";

export interface ImportanceReply {
  method: string;
  n: number;
  params: {
    by: string;
    importance: WireNumber;
    correlation: WireNumber;
    n: number;
    kind: string;
  }[];
  warnings: string[];
}

export function fetchImportance(
  selection: RunSelection,
  ask: MetricChoice & { params?: readonly string[]; method: ImportanceMethod },
  signal?: AbortSignal,
): Promise<ImportanceReply> {
  return postJson("statistics/importance", { ...selection, ...ask }, signal);
}
