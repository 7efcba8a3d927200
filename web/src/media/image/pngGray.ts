/** A picture of class ids. */
export interface ClassMap {
  width: number;
  height: number;
  /** Row by row. */
  ids: Uint16Array;
}

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
/** More pixels than this are not a mask but an attack on the tab's memory. */
const PIXELS_MAX = 64 * 2 ** 20;

/**
 * Reads a grey or palette PNG of 8 or 16 bits exactly.
 *
 * A canvas would not do: it scales 16 bits down to 8 and may apply a colour profile, and a class id off by one is
 * another class. Throws for any other form.
 */
export async function decodeClassMap(bytes: Uint8Array): Promise<ClassMap> {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw new Error("The mask is not a PNG.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let width = 0;
  let height = 0;
  let depth = 0;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = at + 8;
    if (kind === "IHDR") {
      width = view.getUint32(body);
      height = view.getUint32(body + 4);
      depth = view.getUint8(body + 8);
      const color = view.getUint8(body + 9);
      const interlaced = view.getUint8(body + 12);
      if ((color !== 0 && color !== 3) || (depth !== 8 && depth !== 16) || interlaced !== 0) {
        throw new Error(`The mask has a form that is not read (colour type ${color}, ${depth} bits).`);
      }
      if (width * height > PIXELS_MAX) throw new Error(`The mask has ${width} × ${height} pixels, too many.`);
    } else if (kind === "IDAT") {
      data.push(bytes.subarray(body, body + length));
    } else if (kind === "IEND") break;
    at = body + length + 4;
  }
  const size = depth / 8;
  const rows = await inflate(data, height * (width * size + 1));
  return { width, height, ids: unfilter(rows, width, height, size) };
}

async function inflate(parts: readonly Uint8Array[], expected: number): Promise<Uint8Array> {
  const stream = new Blob([...parts] as BlobPart[]).stream().pipeThrough(new DecompressionStream("deflate"));
  const out = new Uint8Array(expected);
  let filled = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const room = Math.min(value.length, expected - filled);
    out.set(value.subarray(0, room), filled);
    filled += room;
    if (filled === expected) {
      await reader.cancel();
      break;
    }
  }
  if (filled < expected) throw new Error("The mask is cut off.");
  return out;
}

/** Undoes PNG's per-row filters. *size* = bytes per pixel. */
function unfilter(rows: Uint8Array, width: number, height: number, size: number): Uint16Array {
  const stride = width * size;
  const ids = new Uint16Array(width * height);
  let above = new Uint8Array(stride);
  let row = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const filter = rows[start] ?? 0;
    for (let i = 0; i < stride; i++) {
      const left = i >= size ? (row[i - size] ?? 0) : 0;
      const up = above[i] ?? 0;
      const corner = i >= size ? (above[i - size] ?? 0) : 0;
      row[i] = (rows[start + 1 + i] ?? 0) + predict(filter, left, up, corner);
    }
    for (let x = 0; x < width; x++) {
      ids[y * width + x] = size === 1 ? (row[x] ?? 0) : (row[x * 2] ?? 0) * 256 + (row[x * 2 + 1] ?? 0);
    }
    [above, row] = [row, above];
  }
  return ids;
}

function predict(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const guess = left + up - corner;
      const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      throw new Error(`The mask has an unknown filter ${filter}.`);
  }
}
