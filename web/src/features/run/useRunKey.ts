import { useQuery } from "@tanstack/react-query";
import { fetchRuns } from "@/api/queries";
import { quoteText } from "@/api/types";

/** The key of a run by its id, and where the project's news stand. `runKey` is null if there is no such run. */
export function useRunKey(entity: string, project: string, runId: string) {
  return useQuery({
    queryKey: ["run-key", entity, project, runId],
    queryFn: async ({ signal }) => {
      const page = await fetchRuns({ entity, project, filter: `id = ${quoteText(runId)}`, limit: 1 }, signal);
      return { runKey: page.runs[0]?.run_key ?? null, seq: page.seq };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}
