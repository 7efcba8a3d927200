// An exported page asks nobody for anything: the bytes that it shows are in it.

import { ApiError } from "./error";

let find: ((sha256: string) => Blob | null) | null = null;
let library: ((name: string) => Promise<string | null>) | null = null;

/** From now on the page stands alone; it hands out the bytes that it holds, and scripts of frames for figures. */
export function standAlone(
  bytes: (sha256: string) => Blob | null,
  script: (name: string) => Promise<string | null>,
): void {
  find = bytes;
  library = script;
}

/** The script that draws figures of a kind in a frame; null if the page does not hold it. */
export async function heldScript(name: string): Promise<string | null> {
  return (await library?.(name)) ?? null;
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
