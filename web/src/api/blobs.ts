import { BlobCache } from "./blobCache";
import { ask, routeUrl } from "./request";

/** The bytes of a run's blob, read with what this browser may see. */
export async function fetchBlob(runKey: string, sha256: string, signal?: AbortSignal): Promise<Blob> {
  const request = new Request(
    routeUrl(`runs/${encodeURIComponent(runKey)}/blobs/${sha256}`),
    signal ? { signal } : {},
  );
  return (await ask(request)).blob();
}

/** The one cache of the page. */
export const blobs = new BlobCache(fetchBlob);
