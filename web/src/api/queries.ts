import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import { dropAccess } from "./session";
import type { RunEdit, RunQuery } from "./types";

/** Keys of the query cache, so that news can name what they invalidate. */
export const queryKeys = {
  projects: ["projects"] as const,
  project: (entity: string, project: string) => ["project", entity, project] as const,
  runs: (entity: string, project: string) => ["runs", entity, project] as const,
  run: (runKey: string) => ["run", runKey] as const,
  media: ["media"] as const,
};

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => unwrap(client.GET("/api/1/session", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

export const projectsQuery = queryOptions({
  queryKey: queryKeys.projects,
  queryFn: async ({ signal }) => (await unwrap(client.GET("/api/1/projects", { signal }))).projects,
  refetchInterval: 5_000,
});

export function projectQuery(entity: string, project: string) {
  return queryOptions({
    queryKey: queryKeys.project(entity, project),
    queryFn: ({ signal }) =>
      unwrap(
        client.GET("/api/1/projects/{entity}/{project}", { params: { path: { entity, project } }, signal }),
      ),
  });
}

/** Revokes the token of this browser. */
export async function endSession(): Promise<void> {
  await client.DELETE("/api/1/session").catch(() => undefined);
  dropAccess();
}

/** One page of runs. */
export function fetchRuns(query: RunQuery, signal: AbortSignal) {
  return unwrap(client.POST("/api/1/runs/query", { body: query, signal }));
}

export function runQuery(runKey: string) {
  return queryOptions({
    queryKey: queryKeys.run(runKey),
    queryFn: ({ signal }) =>
      unwrap(client.GET("/api/1/runs/{run_key}", { params: { path: { run_key: runKey } }, signal })),
  });
}

export function editRun(runKey: string, edit: RunEdit) {
  return unwrap(client.PATCH("/api/1/runs/{run_key}", { params: { path: { run_key: runKey } }, body: edit }));
}

/** Asks a run to stop; it learns of it within seconds. */
export function stopRun(runKey: string) {
  return unwrap(
    client.POST("/api/1/runs/{run_key}/stop", { params: { path: { run_key: runKey } }, body: {} }),
  );
}
