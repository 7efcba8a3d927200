import { queryOptions } from "@tanstack/react-query";
import { getJson, postJson, sendJson } from "./request";
import type { components } from "./schema.gen";

export type LockState = components["schemas"]["LockReply"];

const routeOf = (runKey: string) => `runs/${runKey}/lock`;

export function lockQuery(runKey: string) {
  return queryOptions({
    queryKey: ["run", runKey, "lock"],
    queryFn: ({ signal }) => getJson<LockState>(routeOf(runKey), {}, signal),
    retry: false,
  });
}

/** Compares every byte with the hashes in the lock. */
export function checkLock(runKey: string): Promise<LockState> {
  return getJson(routeOf(runKey), { check: "true" });
}

export function lockRun(runKey: string, note: string): Promise<LockState> {
  return postJson(routeOf(runKey), { note });
}

export function unlockRun(runKey: string): Promise<LockState> {
  return sendJson("DELETE", routeOf(runKey));
}
