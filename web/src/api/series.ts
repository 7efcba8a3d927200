import type { Axis } from "@/charts/core/model";
import { apiUrl } from "./base";
import { toApiError, unreachable } from "./error";
import { decodeFrames, type SeriesReply } from "./frames";
import { authorizedFetch } from "./session";

export interface SeriesRequest {
  runs: string[] | null;
  groups?: { id: string; runs: string[] }[];
  keys: string[];
  x: Axis;
  range: readonly [number, number] | null;
  buckets: number;
  center?: string;
  band?: string;
  confidence?: number;
  ranks?: "band";
}

/** Fetches chart points. Aborting *signal* cancels the request. */
export async function fetchSeries(request: SeriesRequest, signal: AbortSignal): Promise<SeriesReply> {
  let response: Response;
  try {
    response = await authorizedFetch(
      new Request(apiUrl("series"), {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/x-treering-frames" },
        body: JSON.stringify(request),
        signal,
      }),
    );
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw unreachable();
  }
  if (!response.ok) throw toApiError(response.status, await response.json().catch(() => null));
  return decodeFrames(await response.arrayBuffer());
}
