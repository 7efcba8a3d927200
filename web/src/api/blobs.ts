import { BlobCache } from "./blobCache";
import { heldBytes, standsAlone } from "./held";
import { ask, routeUrl } from "./request";

/**
 * The bytes of a blob, read with what this browser may see. *owner* is the key of a run, or the route of an artifact's
 * version: routes have slashes, keys have none.
 */
export async function fetchBlob(owner: string, sha256: string, signal?: AbortSignal): Promise<Blob> {
  if (standsAlone()) return heldBytes(sha256);
  const route = owner.includes("/") ? owner : `runs/${encodeURIComponent(owner)}`;
  const request = new Request(routeUrl(`${route}/blobs/${sha256}`), signal ? { signal } : {});
  return (await ask(request)).blob();
}

/** The one cache of the page. */
export const blobs = new BlobCache(fetchBlob);
