import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { LiveFeed } from "@/api/live";
import { seriesLoader } from "@/api/points";
import { queryKeys } from "@/api/queries";
import { usePageStatus } from "@/state/pageStatus";

/** Lists are asked again at most this often; charts have their own, quicker pace (see SeriesLoader). */
const LIST_MS = 1_000;

/**
 * Follows a project while mounted: charts and lists are told what changed.
 *
 * *seq* is where the shown data stands; null = not loaded yet.
 */
export function useLiveProject(entity: string, project: string, seq: number | null): void {
  const queries = useQueryClient();
  const ready = seq !== null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the first seq counts, the feed keeps its own after that
  useEffect(() => {
    if (seq === null) return;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let keysChanged = false;
    let anew = false;
    const changed = new Set<string>();
    const refreshLists = () => {
      timer = null;
      void queries.invalidateQueries({ queryKey: queryKeys.runs(entity, project) });
      if (anew) void queries.invalidateQueries({ queryKey: ["run"] });
      if (anew || changed.size > 0) void queries.invalidateQueries({ queryKey: queryKeys.media });
      for (const run of changed) void queries.invalidateQueries({ queryKey: queryKeys.run(run) });
      if (keysChanged) void queries.invalidateQueries({ queryKey: queryKeys.project(entity, project) });
      changed.clear();
      keysChanged = false;
      anew = false;
    };
    const feed = new LiveFeed(
      entity,
      project,
      seq,
      (changes) => {
        seriesLoader.invalidate(changes.reset ? null : changes.runs.map((run) => run.run_key));
        anew ||= changes.reset;
        keysChanged ||= changes.reset || changes.runs.some((run) => run.keys_changed);
        for (const { run_key } of changes.runs) changed.add(run_key);
        timer ??= setTimeout(refreshLists, LIST_MS);
      },
      (status) => usePageStatus.setState({ status }),
    );
    usePageStatus.setState({ status: feed.status });
    return () => {
      if (timer !== null) clearTimeout(timer);
      feed.stop();
      usePageStatus.setState({ status: null, running: 0 });
    };
  }, [entity, project, ready, queries]);
}
