import { useQuery } from "@tanstack/react-query";
import { type Column, METRIC } from "@/api/columns";
import type { Goal } from "@/api/statistics";
import type { KeyInfo } from "@/api/types";
import { useKeys, useSelection } from "../cast";
import { useSource } from "../source";

/** What a panel shows of a project before anybody has said what. */
export interface Guess {
  /** Config keys, those that vary most first. */
  configs: readonly Column[];
  /** The figure that the runs are most likely about. */
  metric: Column | null;
  goal: Goal | null;
  /** Everything that was looked at is here. */
  ready: boolean;
}

/** More values than these in a column of text make no axis. */
const FEW = 24;

/** Seeds vary most, and say nothing. */
const SEED = /(^|[._])(seed|random_state)$/;

/** Looks at how the columns vary; asked for only while *wanted*. */
export function useGuess(wanted: boolean): Guess {
  const selection = useSelection();
  const source = useSource();
  const keys = useKeys();
  const found = useQuery({
    queryKey: [...selection.key, "columns", selection.query],
    queryFn: ({ signal }) => source.columns(selection.query, signal),
    enabled: wanted,
    staleTime: 60_000,
    retry: false,
  });
  const main = mainMetric(keys);
  return {
    configs: (found.data?.columns ?? [])
      .filter(
        ({ by, kind, distinct, spread }) =>
          by.startsWith("config.") && spread > 0 && !SEED.test(by) && (kind === "number" || distinct <= FEW),
      )
      .map(({ by }) => ({ by })),
    metric: main ? { by: METRIC + main.key, agg: goalOf(main) ?? "last" } : null,
    goal: main ? goalOf(main) : null,
    ready: !wanted || found.isFetched,
  };
}

export function goalOf(info: KeyInfo | undefined): Goal | null {
  if (info?.goal === "maximize") return "max";
  return info?.goal === "minimize" ? "min" : null;
}

/** The metric with a goal, else the one whose name says most. */
export function mainMetric(keys: readonly KeyInfo[]): KeyInfo | null {
  const numbers = keys.filter(({ kind, hidden }) => kind === "number" && !hidden);
  const rank = (info: KeyInfo) =>
    (info.goal ? 0 : 4) +
    (/(^|\/)(val|valid|eval|test)/.test(info.key) ? 0 : 2) +
    (/loss|acc/.test(info.key) ? 0 : 1);
  return [...numbers].sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** Whether lower or higher is better: what the metric declares, else what its name says. */
export function directionOf(column: Column | null, keys: readonly KeyInfo[]): Goal {
  const key = column?.by.startsWith(METRIC) ? column.by.slice(METRIC.length) : "";
  const declared = goalOf(keys.find((info) => info.key === key));
  return (
    declared ?? (/loss|error|err|perplexity|mae|mse|time|latency/i.test(column?.by ?? "") ? "min" : "max")
  );
}
