import { apiUrl } from "./base";
import { BlobCache } from "./blobCache";
import { heldBytes, standsAlone } from "./held";
import { ask } from "./request";

/** Where a text stands whose pictures are meant. */
export interface Place {
  entity: string;
  project: string;
}

export interface Picture {
  sha256: string;
  bytes: number;
  type: string;
}

const routeOf = ({ entity, project }: Place) =>
  `projects/${encodeURIComponent(entity)}/${encodeURIComponent(project)}/pictures`;

/** Keeps a picture on the server; a text of the project names it as `picture:<sha256>`. */
export async function addPicture(place: Place, content: Blob): Promise<Picture> {
  const response = await ask(
    new Request(apiUrl(routeOf(place)), {
      method: "POST",
      headers: { "Content-Type": "application/x-treering-blob" },
      body: content,
    }),
  );
  return (await response.json()) as Picture;
}

/** The pictures of the page, by hash; the place travels in the place of a run's key. */
export const pictures = new BlobCache(async (place, sha256, signal) => {
  if (standsAlone()) return heldBytes(sha256);
  const response = await ask(
    new Request(apiUrl(`${routeOf(JSON.parse(place) as Place)}/${sha256}`), { signal }),
  );
  return response.blob();
});

const NAMED = /^picture:([0-9a-f]{64})$/;

/** The hash in the address of a picture; null for all other addresses. */
export function pictureHash(address: string): string | null {
  return NAMED.exec(address)?.[1] ?? null;
}
