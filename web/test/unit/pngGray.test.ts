import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeClassMap } from "@/media/image/pngGray";

/** A grey PNG whose rows use the given filters. */
function png(rows: number[][], depth: 8 | 16, filters: number[]): Uint8Array {
  const size = depth / 8;
  const width = rows[0]?.length ?? 0;
  const stride = width * size;
  const raw = rows.map((row) => row.flatMap((id) => (size === 1 ? [id] : [id >> 8, id & 255])));
  const body: number[] = [];
  raw.forEach((bytes, y) => {
    const filter = filters[y] ?? 0;
    const above = raw[y - 1] ?? new Array<number>(stride).fill(0);
    body.push(filter);
    bytes.forEach((byte, i) => {
      const left = i >= size ? (bytes[i - size] ?? 0) : 0;
      const up = above[i] ?? 0;
      const corner = i >= size ? (above[i - size] ?? 0) : 0;
      const guess = left + up - corner;
      const gaps = [guess - left, guess - up, guess - corner].map(Math.abs);
      const [a = 0, b = 0, c = 0] = gaps;
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      body.push((byte - ([0, left, up, (left + up) >> 1, paeth][filter] ?? 0)) & 255);
    });
  });
  const chunk = (kind: string, data: Uint8Array) => {
    const head = new Uint8Array(8);
    new DataView(head.buffer).setUint32(0, data.length);
    head.set(new TextEncoder().encode(kind), 4);
    return [...head, ...data, 0, 0, 0, 0];
  };
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, rows.length);
  header.set([depth, 0, 0, 0, 0], 8);
  const data = deflateSync(Uint8Array.from(body));
  return Uint8Array.from([
    137,
    80,
    78,
    71,
    13,
    10,
    26,
    10,
    ...chunk("IHDR", header),
    ...chunk("IDAT", data.subarray(0, 5)),
    ...chunk("IDAT", data.subarray(5)),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

const ROWS = [
  [0, 1, 2, 250],
  [7, 7, 0, 3],
  [9, 8, 200, 0],
  [1, 2, 3, 4],
  [0, 0, 255, 255],
];

describe("a mask", () => {
  it("of 8 bits is read exactly, whatever its rows were filtered with", async () => {
    const map = await decodeClassMap(png(ROWS, 8, [0, 1, 2, 3, 4]));

    expect([map.width, map.height]).toEqual([4, 5]);
    expect([...map.ids]).toEqual(ROWS.flat());
  });

  it("of 16 bits keeps class ids beyond 255", async () => {
    const rows = [
      [0, 300, 65_535],
      [1_000, 2, 513],
    ];
    const map = await decodeClassMap(png(rows, 16, [1, 4]));

    expect([...map.ids]).toEqual(rows.flat());
  });

  it("that is cut off or no PNG is refused", async () => {
    const whole = png(ROWS, 8, [0, 0, 0, 0, 0]);

    await expect(decodeClassMap(whole.subarray(0, 50))).rejects.toThrow();
    await expect(decodeClassMap(new TextEncoder().encode("GIF89a"))).rejects.toThrow("not a PNG");
  });
});
