import { useNavigate, useRouterState } from "@tanstack/react-router";
import type { ColumnAgg } from "@/api/columns";
import type { Goal } from "@/api/statistics";

export type CompareTab = "differences" | "code" | "console" | "changed" | "seeds";

export const COMPARE_TABS: readonly (readonly [CompareTab, string])[] = [
  ["differences", "Differences"],
  ["code", "Code"],
  ["console", "Console"],
  ["changed", "What changed?"],
  ["seeds", "Seeds"],
];

/** What the page compares, as its address says it. */
export interface CompareAddress {
  runs: readonly string[];
  tab: CompareTab;
  /** The run that the others are set against; null = the first. */
  base: string | null;
  /** Rows in which all runs are equal are shown too. */
  all: boolean;
  metric: string | null;
  agg: ColumnAgg | null;
  goal: Goal | null;
  filter: string;
}

const RUN_KEY = /^[a-z2-7]{26}$/;

type Params = Readonly<Record<string, string | undefined>>;

export function decodeCompare(params: Params): CompareAddress {
  const tab = COMPARE_TABS.find(([name]) => name === params.tab)?.[0] ?? "differences";
  const agg = (["last", "min", "max", "mean", "first"] as const).find((name) => name === params.agg);
  return {
    // What is no run key names nothing, whoever wrote the link.
    runs: [...new Set((params.runs ?? "").split(",").filter((key) => RUN_KEY.test(key)))],
    tab,
    base: params.base || null,
    all: params.all === "1",
    metric: params.metric || null,
    agg: agg ?? null,
    goal: params.goal === "min" || params.goal === "max" ? params.goal : null,
    filter: params.filter ?? "",
  };
}

export function encodeCompare(address: CompareAddress): Record<string, string> {
  const params: Record<string, string> = {};
  if (address.runs.length > 0) params.runs = address.runs.join(",");
  if (address.tab !== "differences") params.tab = address.tab;
  if (address.base) params.base = address.base;
  if (address.all) params.all = "1";
  if (address.metric) params.metric = address.metric;
  if (address.agg) params.agg = address.agg;
  if (address.goal) params.goal = address.goal;
  if (address.filter) params.filter = address.filter;
  return params;
}

/** The address, and how to change it. */
export function useCompareAddress(): [CompareAddress, (change: Partial<CompareAddress>) => void] {
  const search = useRouterState({ select: (state) => state.location.search as Params });
  const navigate = useNavigate();
  const address = decodeCompare(search);
  const change = (next: Partial<CompareAddress>) =>
    void navigate({
      to: ".",
      search: encodeCompare({ ...address, ...next }),
      replace: true,
      resetScroll: false,
    });
  return [address, change];
}
