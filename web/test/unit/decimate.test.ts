import { describe, expect, it } from "vitest";
import { type Pen, traceColumns, traceExact } from "@/charts/core/decimate";

class Recorder implements Pen {
  points: [number, number][] = [];
  moves = 0;
  moveTo(x: number, y: number) {
    this.moves++;
    this.points.push([x, y]);
  }
  lineTo(x: number, y: number) {
    this.points.push([x, y]);
  }
}

const identity = { x: (value: number) => value, y: (value: number) => value };

/** A fixed pseudo-random walk. */
function noise(n: number): Float64Array {
  let state = 7;
  return Float64Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  });
}

describe("a thinned line", () => {
  const n = 100_000;
  const width = 400;
  const x = Float64Array.from({ length: n }, (_, i) => (i / (n - 1)) * width);
  const y = noise(n);
  y[54_321] = 1000;

  it("keeps the lowest and the highest value of every pixel column", () => {
    const pen = new Recorder();

    traceColumns(pen, { x, y, from: 0, to: n }, identity, 1);

    const lowest = new Map<number, number>();
    const highest = new Map<number, number>();
    for (let i = 0; i < n; i++) {
      const column = Math.round(x[i] ?? 0);
      const value = y[i] ?? 0;
      lowest.set(column, Math.min(lowest.get(column) ?? Infinity, value));
      highest.set(column, Math.max(highest.get(column) ?? -Infinity, value));
    }
    for (const [column, low] of lowest) {
      const drawn = pen.points.filter(([px]) => px === column).map(([, py]) => py);
      expect(Math.min(...drawn)).toBe(low);
      expect(Math.max(...drawn)).toBe(highest.get(column));
    }
  });

  it("costs at most four points per column", () => {
    const pen = new Recorder();

    traceColumns(pen, { x, y, from: 0, to: n }, identity, 1);

    expect(pen.points.length).toBeLessThanOrEqual(4 * (width + 1));
    expect(pen.points.some(([, py]) => py === 1000)).toBe(true);
  });
});

describe("an exact line", () => {
  it("is broken at NaN", () => {
    const pen = new Recorder();

    traceExact(pen, { x: [0, 1, 2, 3], y: [1, Number.NaN, 2, 3], from: 0, to: 4 }, identity);

    expect(pen.moves).toBe(2);
  });

  it("is broken where x goes backwards, as after a restart", () => {
    const pen = new Recorder();

    traceExact(pen, { x: [0, 10, 20, 5, 15], y: [1, 2, 3, 4, 5], from: 0, to: 5 }, identity);

    expect(pen.moves).toBe(2);
    expect(pen.points).toHaveLength(5);
  });
});
