import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { runQuery } from "@/api/queries";
import { useLiveProject } from "@/grid/useLiveProject";
import { usePageStatus } from "@/state/pageStatus";
import { ErrorNote } from "@/ui/ErrorNote";
import { useTitle } from "@/ui/useTitle";
import { Overview } from "./Overview";
import { RunCharts } from "./RunCharts";
import type { RunTab } from "./tabs";
import { useRunKey } from "./useRunKey";

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
  useEffect(() => {
    usePageStatus.setState({ running, runName });
    return () => usePageStatus.setState({ runName: null });
  }, [running, runName]);

  const error = found.error ?? detail.error;
  if (error) return <ErrorNote error={error} />;
  if (found.data && runKey === null) {
    return <ErrorNote error={new Error(`${entity}/${project} has no run “${runId}”.`)} />;
  }
  if (!detail.data) return <main id="main" className="page" aria-busy="true" />;
  return tab === "overview" ? (
    <Overview run={detail.data} />
  ) : (
    <RunCharts key={tab} run={detail.data} tab={tab} />
  );
}
