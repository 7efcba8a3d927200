import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeFrames } from "@/api/frames";
import { encodeFrames } from "../mock/frames.mjs";

// Written by the server's encoder and held by its tests too: both sides agree on these very bytes.
const FIXTURES = join(import.meta.dirname, "../../../tests/server/fixtures");
const golden = readFileSync(join(FIXTURES, "frames.bin"));
const meant = JSON.parse(readFileSync(join(FIXTURES, "frames.json"), "utf8"));

const bytesOf = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer;
const numbers = (column: ArrayLike<number> | null) => column && Array.from(column);
const fromJson = (values: (number | string)[] | null) =>
  values?.map((value) => (value === "NaN" ? Number.NaN : value)) ?? null;

describe("series frames", () => {
  it("read the server's golden bytes as what its encoder meant", () => {
    const reply = decodeFrames(bytesOf(golden));

    expect(reply.seq).toBe(meant.seq);
    expect(reply.missing).toEqual(meant.missing);
    expect(reply.series).toHaveLength(meant.series.length);
    reply.series.forEach((series, index) => {
      const entry = meant.series[index];
      expect(series.run).toBe(entry.run);
      expect(series.group).toBe(entry.group);
      expect(series.key).toBe(entry.key);
      expect(series.exact).toBe(entry.exact);
      expect(series.total).toBe(entry.total);
      expect(series.totalAll).toBe(entry.total_all);
      expect(numbers(series.x)).toEqual(fromJson(entry.x));
      expect(numbers(series.y)).toEqual(fromJson(entry.y));
      expect(series.hi?.[0] ?? null).toBe(entry.hi?.[0] ?? null);
      expect(numbers(series.count)).toEqual(entry.count);
      expect(numbers(series.nonfinite?.x ?? null)).toEqual(entry.nonfinite?.x ?? null);
      expect(numbers(series.nonfinite?.kind ?? null)).toEqual(entry.nonfinite?.kind ?? null);
      expect(numbers(series.ghost?.y ?? null)).toEqual(entry.ghost?.y ?? null);
    });
  });

  it("are views on the reply, not copies", () => {
    const buffer = bytesOf(golden);

    const [first, second] = decodeFrames(buffer).series;

    expect(first?.x.buffer).toBe(buffer);
    expect(second?.x.byteOffset).toBe(first?.x.byteOffset);
  });

  it("are refused when they are something else or cut off", () => {
    const cut = bytesOf(golden.subarray(0, golden.length - 8));

    expect(() => decodeFrames(bytesOf(Buffer.from("<!doctype html>")))).toThrow(RangeError);
    expect(() => decodeFrames(bytesOf(golden.subarray(0, 20)))).toThrow(RangeError);
    expect(() => decodeFrames(cut)).toThrow(RangeError);
  });

  it("of the mock server read like the real ones", () => {
    const x = [0, 1, 2];
    const encoded = encodeFrames({ x: "step", seq: 3, missing: [] }, [
      {
        run: "a",
        key: "loss",
        exact: true,
        total: 3,
        total_all: 3,
        x: ["f8", x],
        y: ["f4", [1, 2, 3]],
        nonfinite: null,
        ghost: null,
        first_x: 0,
        last_x: 2,
      },
    ]);

    const reply = decodeFrames(bytesOf(encoded));

    expect(numbers(reply.series[0]?.x ?? null)).toEqual(x);
    expect(numbers(reply.series[0]?.y ?? null)).toEqual([1, 2, 3]);
  });
});
