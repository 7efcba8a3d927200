import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { MediaItem, StepSeries } from "@/api/media";
import { queryKeys } from "@/api/queries";
import { type PanelSource, useSource } from "../source";

const NO_SERIES: readonly StepSeries[] = [];
const NO_ITEMS: readonly MediaItem[] = [];

export interface Steps {
  /** All steps of any of the runs, rising. */
  steps: readonly number[];
  series: readonly StepSeries[];
  /** The kind of what was logged; the newest run decides where runs differ. */
  kind: string | null;
  loading: boolean;
  error: Error | null;
}

/** The steps at which runs logged a key. */
export function useSteps(runs: readonly string[], key: string, enabled: boolean): Steps {
  const source = useSource();
  const found = useQuery({
    queryKey: [...queryKeys.media, "steps", key, runs, source.id],
    queryFn: () => source.steps(runs, key),
    placeholderData: keepPreviousData,
    enabled,
  });
  const series = found.data ?? NO_SERIES;
  const steps = useMemo(
    () => [...new Set(series.flatMap((one) => one.steps))].sort((a, b) => a - b),
    [series],
  );
  return {
    steps,
    series,
    kind: series.at(-1)?.kind ?? null,
    loading: found.isPending,
    error: found.error,
  };
}

/** What each run had logged last at a step; null = at its last. */
export function useMediaAt(runs: readonly string[], key: string, step: number | null, enabled: boolean) {
  const source = useSource();
  const found = useQuery({ ...atQuery(source, runs, key, step), placeholderData: keepPreviousData, enabled });
  return { items: found.data ?? NO_ITEMS, error: found.error, loading: found.isPending };
}

function atQuery(source: PanelSource, runs: readonly string[], key: string, step: number | null) {
  return {
    queryKey: [...queryKeys.media, "at", key, runs, step, source.id],
    queryFn: () => source.media(runs, key, { step, match: "at_or_before" }),
  };
}

/** What runs had at several steps, for several keys: cells of a grid. */
export function useMediaCells(runs: readonly string[], keys: readonly string[], steps: readonly number[]) {
  const source = useSource();
  const asked = keys.flatMap((key) => steps.map((step) => ({ key, step })));
  const found = useQueries({ queries: asked.map(({ key, step }) => atQuery(source, runs, key, step)) });
  return (run: string, key: string, step: number): MediaItem | null => {
    const at = asked.findIndex((cell) => cell.key === key && cell.step === step);
    return found[at]?.data?.find((item) => item.run === run) ?? null;
  };
}

/** Everything that runs logged under a key, evenly thinned to *limit* values of each. */
export function useMediaRange(runs: readonly string[], key: string, limit: number, enabled: boolean) {
  const source = useSource();
  const found = useQuery({
    queryKey: [...queryKeys.media, "range", key, runs, limit, source.id],
    queryFn: () => source.media(runs, key, { range: null, limit }),
    placeholderData: keepPreviousData,
    enabled,
  });
  return { items: found.data ?? NO_ITEMS, error: found.error, loading: found.isPending };
}
