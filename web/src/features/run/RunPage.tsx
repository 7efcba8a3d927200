import { type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { seriesLoader } from "@/api/points";
import { queryKeys, runQuery } from "@/api/queries";
import type { RunDetail } from "@/api/types";
import { useLiveProject } from "@/grid/useLiveProject";
import { usePageStatus } from "@/state/pageStatus";
import { ErrorNote } from "@/ui/ErrorNote";
import { useTitle } from "@/ui/useTitle";
import { Overview } from "./Overview";
import { RunCharts } from "./RunCharts";
import type { RunTab } from "./tabs";
import { useRunKey } from "./useRunKey";

const LAZY_TABS = {
  processes: lazy(() => import("../processes/ProcessesTab")),
  logs: lazy(() => import("./logs/LogsTab")),
  config: lazy(() => import("./config/ConfigTab")),
  code: lazy(() => import("./code/CodeTab")),
  files: lazy(() => import("./files/FilesTab")),
  artifacts: lazy(() => import("./artifacts/ArtifactsTab")),
};

interface RunPageProps {
  entity: string;
  project: string;
  runId: string;
  tab: RunTab;
}

/** One run. */
export function RunPage({ entity, project, runId, tab }: RunPageProps) {
  const found = useRunKey(entity, project, runId);
  const runKey = found.data?.runKey ?? null;
  const detail = useQuery({ ...runQuery(runKey ?? ""), enabled: runKey !== null });
  useLiveProject(entity, project, found.data?.seq ?? null);
  useTitle(detail.data?.name ?? runId);
  const running = detail.data?.state === "running" ? 1 : 0;
  const runName = detail.data?.name ?? null;
  const processes = detail.data ? countProcesses(detail.data) : 0;
  useEffect(() => {
    usePageStatus.setState({ running, runName, processes });
    return () => usePageStatus.setState({ runName: null, processes: 0 });
  }, [running, runName, processes]);

  if (found.error) return <ErrorNote error={found.error} />;
  if (found.data && runKey === null) {
    return <ErrorNote error={new Error(`${entity}/${project} has no run “${runId}”.`)} />;
  }
  return <RunTabs detail={detail} tab={tab} />;
}

/** Logs of processes that trained: more than one for several ranks, and for one that was resumed or requeued. */
function countProcesses({ writers }: RunDetail): number {
  const trained = writers.filter(({ label }) => label === "" || label.startsWith("rank"));
  return trained.reduce((sum, { segments }) => sum + segments, 0);
}

/** How often a shared run is asked again: its link cannot follow the project's news. */
const SHARED_EVERY_MS = 5_000;

/** One run, for somebody who has a link to it and sees nothing else of its project. */
export function SharedRunPage({ runKey, tab }: { runKey: string; tab: RunTab }) {
  const queries = useQueryClient();
  const detail = useQuery({ ...runQuery(runKey), refetchInterval: SHARED_EVERY_MS });
  const { dataUpdatedAt } = detail;
  const runName = detail.data?.name ?? null;
  const processes = detail.data ? countProcesses(detail.data) : 0;
  useTitle(runName ?? "Shared run");
  useEffect(() => {
    usePageStatus.setState({ runName, processes });
    return () => usePageStatus.setState({ runName: null, processes: 0 });
  }, [runName, processes]);
  useEffect(() => {
    if (dataUpdatedAt === 0) return;
    seriesLoader.invalidate([runKey]);
    void queries.invalidateQueries({ queryKey: queryKeys.media });
  }, [dataUpdatedAt, runKey, queries]);
  return <RunTabs detail={detail} tab={tab} />;
}

function RunTabs({ detail, tab }: { detail: UseQueryResult<RunDetail>; tab: RunTab }) {
  if (detail.error) return <ErrorNote error={detail.error} />;
  if (!detail.data) return <main id="main" className="page" aria-busy="true" />;
  const run = detail.data;
  switch (tab) {
    case "overview":
      return <Overview run={run} />;
    case "charts":
    case "media":
    case "system":
      return <RunCharts key={tab} run={run} tab={tab} />;
    default: {
      const Tab = LAZY_TABS[tab];
      return (
        <Suspense fallback={<main id="main" className="page" aria-busy="true" />}>
          <Tab run={run} />
        </Suspense>
      );
    }
  }
}
