import { createContext, useEffect, useMemo, useRef, useState } from "react";
import type { Series } from "@/api/frames";
import { seriesLoader } from "@/api/points";
import type { Subscription } from "@/api/seriesLoader";

/** Points of a curve in a cell: one every few pixels. */
const BUCKETS = 40;

export type Curves = ReadonlyMap<string, Series | null>;

const NO_CURVES: Curves = new Map();

/** Curves by metric. A context, so that points which arrive draw their cells again and not their rows. */
export const CurvesContext = createContext<ReadonlyMap<string, Curves>>(new Map());

/** The curves of one metric for the runs in view, by run key; kept current by the page's live feed. */
export function useCurves(metrics: readonly string[], runs: readonly string[]): ReadonlyMap<string, Curves> {
  const [curves, setCurves] = useState<ReadonlyMap<string, Curves>>(new Map());
  const open = useRef(new Map<string, Subscription>());
  const names = JSON.stringify(metrics);
  const keys = JSON.stringify(runs);
  const subjects = useMemo(() => (JSON.parse(keys) as string[]).map((id) => ({ id, runs: null })), [keys]);
  const latest = useRef(subjects);
  latest.current = subjects;

  useEffect(() => {
    const subscriptions = open.current;
    for (const metric of JSON.parse(names) as string[]) {
      const read = () => {
        const entries = subscriptions.get(metric)?.read();
        if (!entries) return;
        setCurves((former) => withEntries(former, metric, latest.current, entries));
      };
      subscriptions.set(metric, seriesLoader.subscribe(read));
    }
    return () => {
      for (const subscription of subscriptions.values()) subscription.close();
      subscriptions.clear();
    };
  }, [names]);

  useEffect(() => {
    for (const metric of JSON.parse(names) as string[]) {
      const subscription = open.current.get(metric);
      if (!subscription) continue;
      subscription.update(
        subjects.length > 0 ? { key: metric, axis: "step", range: null, buckets: BUCKETS, subjects } : null,
      );
      const entries = subscription.read();
      if (!entries.some((entry) => entry !== undefined)) continue;
      setCurves((former) => withEntries(former, metric, subjects, entries));
    }
  }, [names, subjects]);
  return curves;
}

/** Curves that are held besides those in view; more would be all that was ever scrolled by. */
const HELD = 2_000;

function withEntries(
  former: ReadonlyMap<string, Curves>,
  metric: string,
  subjects: readonly { id: string }[],
  entries: readonly (Series | null | undefined)[],
): ReadonlyMap<string, Curves> {
  const before = former.get(metric) ?? NO_CURVES;
  const held = new Map(before.size > HELD ? NO_CURVES : before);
  subjects.forEach(({ id }, i) => {
    const entry = entries[i];
    if (entry !== undefined) held.set(id, entry);
  });
  return new Map(former).set(metric, held);
}
