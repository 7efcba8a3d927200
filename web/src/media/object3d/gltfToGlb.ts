interface Gltf {
  buffers?: { uri?: string; byteLength: number }[];
  bufferViews?: { buffer: number; byteOffset?: number }[];
  images?: { uri?: string }[];
}

const HEADER = 12;
const CHUNK = 8;

/**
 * Packs a glTF text with its buffers into one GLB.
 *
 * A loader fetches data: addresses, which the page's policy forbids like every other connection. What lies outside of
 * the text is not there at all, and asking our server for it would be asking for files that nobody logged: throws.
 */
export function gltfToGlb(text: string): ArrayBuffer {
  const gltf = JSON.parse(text) as Gltf;
  const outside = [...(gltf.buffers ?? []), ...(gltf.images ?? [])].find(
    ({ uri }) => uri && !uri.startsWith("data:"),
  );
  if (outside)
    throw new Error(`This glTF needs the file ${outside.uri}, which was not logged. Log a GLB instead.`);
  const starts: number[] = [];
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const { uri } of gltf.buffers ?? []) {
    const bytes = uri ? decodeDataUri(uri) : new Uint8Array();
    starts.push(length);
    parts.push(bytes);
    length += padded(bytes.length);
  }
  for (const view of gltf.bufferViews ?? []) {
    view.byteOffset = (view.byteOffset ?? 0) + (starts[view.buffer] ?? 0);
    view.buffer = 0;
  }
  if (parts.length > 0) gltf.buffers = [{ byteLength: length }];
  const json = new TextEncoder().encode(JSON.stringify(gltf));
  const jsonLength = padded(json.length);
  const glb = new Uint8Array(HEADER + CHUNK + jsonLength + CHUNK + length);
  const view = new DataView(glb.buffer);
  const chunk = (at: number, size: number, kind: string) => {
    view.setUint32(at, size, true);
    glb.set(new TextEncoder().encode(kind), at + 4);
  };
  glb.set(new TextEncoder().encode("glTF"));
  view.setUint32(4, 2, true);
  view.setUint32(8, glb.length, true);
  chunk(HEADER, jsonLength, "JSON");
  glb.fill(0x20, HEADER + CHUNK, HEADER + CHUNK + jsonLength);
  glb.set(json, HEADER + CHUNK);
  const body = HEADER + CHUNK + jsonLength;
  chunk(body, length, "BIN\0");
  parts.forEach((bytes, i) => {
    glb.set(bytes, body + CHUNK + (starts[i] ?? 0));
  });
  return glb.buffer;
}

/** Chunks and buffers begin at multiples of four. */
function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function decodeDataUri(uri: string): Uint8Array {
  const comma = uri.indexOf(",");
  const body = uri.slice(comma + 1);
  if (!uri.slice(0, comma).endsWith(";base64")) return new TextEncoder().encode(decodeURIComponent(body));
  return Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
}
