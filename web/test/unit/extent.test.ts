import { describe, expect, it } from "vitest";
import { xExtent, yExtent } from "@/charts/core/extent";
import { type ChartModel, EMPTY_MODEL, type Line } from "@/charts/core/model";

function line(id: string, y: number[], band: { lo: number[]; hi: number[] } | null = null): Line {
  return {
    id,
    subject: id,
    stand: "normal",
    label: id,
    color: "#000",
    dash: [],
    x: Float64Array.from(y.keys()),
    y: Float64Array.from(y),
    raw: null,
    lo: band && Float64Array.from(band.lo),
    hi: band && Float64Array.from(band.hi),
    nonfinite: null,
    ghost: null,
    ending: null,
    members: null,
  };
}

const model = (lines: Line[], change: Partial<ChartModel> = {}): ChartModel => ({
  ...EMPTY_MODEL,
  lines,
  ...change,
});
const decay = (n: number, from: number) =>
  Array.from({ length: n }, (_, i) => 0.5 + from * Math.exp(-i / 10));

describe("the y range", () => {
  const healthy = Array.from({ length: 12 }, (_, i) => line(`run${i}`, decay(200, 7 + i * 0.1)));

  it("leaves a diverged line out and says so", () => {
    const diverged = line("bad", [...decay(150, 7), ...Array.from({ length: 50 }, (_, i) => i * 1000)]);

    const extent = yExtent(model([...healthy, diverged]));

    expect(extent.range[1]).toBeLessThan(12);
    expect(extent.offScale).toBe(1);
  });

  it("shows everything when asked to", () => {
    const diverged = line("bad", [...decay(150, 7), 49_000]);

    const extent = yExtent(model([...healthy, diverged], { yMode: "fit" }));

    expect(extent.range[1]).toBeGreaterThan(49_000);
    expect(extent.offScale).toBe(0);
  });

  it("among few lines leaves out only one that exploded", () => {
    const lines = [line("a", decay(200, 7)), line("b", decay(200, 6))];
    const exploded = line("bad", [...decay(20, 7), 1e147]);
    const tall = line("tall", decay(200, 700));

    expect(yExtent(model([...lines, exploded]))).toMatchObject({ offScale: 1 });
    expect(yExtent(model([...lines, exploded])).range[1]).toBeLessThan(12);
    expect(yExtent(model([...lines, tall])).offScale).toBe(0);
  });

  it("keeps a line that is only different, such as a slower model", () => {
    const fast = Array.from({ length: 4 }, (_, i) => line(`fast${i}`, Array(50).fill(41_000 + i * 100)));
    const slow = line("slow", Array(50).fill(18_000));

    expect(yExtent(model([...fast, slow])).offScale).toBe(0);
  });

  it("keeps the steep beginning of a healthy loss", () => {
    const extent = yExtent(model(healthy));

    expect(extent.range[1]).toBeGreaterThan(8.6);
    expect(extent.offScale).toBe(0);
  });

  it("reaches to the spikes that buckets kept", () => {
    const spiky = line("a", [1, 1, 1], { lo: [1, 0.2, 1], hi: [1, 5, 1] });

    expect(yExtent(model([spiky])).range[1]).toBeGreaterThanOrEqual(5);
  });

  it("of a log axis counts what it cannot show", () => {
    const extent = yExtent(model([line("a", [1, 0, -3, 10])], { yLog: true }));

    expect(extent.notPositive).toBe(2);
    expect(extent.range[0]).toBeGreaterThan(0);
  });

  it("of a log axis that leaves nothing out says so", () => {
    const lines = Array.from({ length: 24 }, (_, i) => line(`run${i}`, decay(60, 7.3 + i * 0.07)));

    expect(yExtent(model(lines, { yLog: true })).offScale).toBe(0);
  });

  it("never is empty", () => {
    for (const lines of [[], [line("a", [])], [line("a", [Number.NaN])], [line("a", [2, 2])]]) {
      for (const yLog of [false, true]) {
        const [low, high] = yExtent(model(lines, { yLog })).range;
        expect(high).toBeGreaterThan(low);
        expect(Number.isFinite(low) && Number.isFinite(high)).toBe(true);
      }
    }
  });
});

describe("the x range", () => {
  it("of a log axis starts at the first positive x", () => {
    expect(xExtent(model([line("a", [5, 5, 5])], { xLog: true }))).toEqual([1, 2]);
  });

  it("of one point has room around it", () => {
    const [low, high] = xExtent(model([line("a", [5])]));
    expect(high).toBeGreaterThan(low);
  });
});

describe("a y range set by hand", () => {
  const lines = [line("a", decay(200, 7)), line("b", decay(200, 6))];

  it("is taken as it is, and says what lies outside", () => {
    const extent = yExtent(model(lines, { yRange: [0, 2] }));

    expect(extent.range).toEqual([0, 2]);
    expect(extent.offScale).toBe(2);
  });

  it("may have one end", () => {
    expect(yExtent(model(lines, { yRange: [null, 2] })).range).toEqual([0, 2]);
    expect(yExtent(model(lines, { yRange: [1, null] })).range[0]).toBe(1);
  });

  it("never makes the range empty, nor puts zero on a log axis", () => {
    expect(yExtent(model(lines, { yRange: [100, null] })).range[1]).toBeGreaterThan(100);
    expect(yExtent(model(lines, { yLog: true, yRange: [0, null] })).range[0]).toBeGreaterThan(0);
  });
});
