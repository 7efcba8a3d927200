// An exported page asks nobody for anything: the bytes that it shows are in it.

import { ApiError } from "./error";

let find: ((sha256: string) => Blob | null) | null = null;

/** From now on the page stands alone; *source* hands out the bytes that it holds. */
export function standAlone(source: (sha256: string) => Blob | null): void {
  find = source;
}

/** Whether there is no server behind the page. */
export function standsAlone(): boolean {
  return find !== null;
}

/** Bytes that the page holds. Throws ApiError for what was left out of it. */
export function heldBytes(sha256: string): Blob {
  const found = find?.(sha256) ?? null;
  if (found === null) throw new ApiError(0, "not_in_page", "This was too large for the exported page.", null);
  return found;
}
