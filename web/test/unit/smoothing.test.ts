import { describe, expect, it } from "vitest";
import { reachOf, type SmoothingKind, smoothBy, smoothed } from "@/charts/core/smoothing";

const KINDS: SmoothingKind[] = ["time", "ema", "gaussian", "average"];
const noisy = (n: number) => {
  const x = Float64Array.from({ length: n }, (_, i) => (i * 1000) / (n - 1));
  const y = x.map((value, i) => Math.exp(-value / 300) + (i % 2 ? 0.1 : -0.1));
  return { x, y, total: n };
};

describe.each(KINDS)("smoothing by %s", (kind) => {
  it("leaves a constant as it is", () => {
    const x = Float64Array.from({ length: 50 }, (_, i) => i * i);
    const series = { x, y: new Float64Array(50).fill(2.5), total: 50 };
    for (const value of smoothBy(kind, series, 0.9, 2401)) expect(value).toBeCloseTo(2.5, 10);
  });

  it("makes noise smaller, and more so with more weight", () => {
    const series = noisy(401);
    const roughness = (values: ArrayLike<number>) => {
      let sum = 0;
      for (let i = 1; i < values.length; i++) sum += Math.abs((values[i] ?? 0) - (values[i - 1] ?? 0));
      return sum;
    };
    const [little, much] = [0.6, 0.95].map((weight) => roughness(smoothBy(kind, series, weight, 1000)));
    expect(little).toBeLessThan(roughness(series.y));
    expect(much).toBeLessThan(little ?? 0);
  });

  it("leaves NaN where it was and does not spread it", () => {
    const series = { x: Float64Array.of(0, 1, 2, 3), y: Float64Array.of(1, Number.NaN, 1, 1), total: 4 };
    const values = smoothBy(kind, series, 0.9, 3);
    expect(values[1]).toBeNaN();
    for (const i of [0, 2, 3]) expect(values[i]).toBeCloseTo(1, 12);
  });

  it("is computed once per series, kind and weight", () => {
    const series = noisy(100);
    expect(smoothed(series, kind, 0.5, 1000)).toBe(smoothed(series, kind, 0.5, 1000));
    expect(smoothed(series, kind, 0.6, 1000)).not.toBe(smoothed(series, kind, 0.5, 1000));
  });
});

describe("smoothing", () => {
  it("by Gaussian equals the kernel's weighted mean, computed directly", () => {
    const series = noisy(60);
    const sigma = reachOf(0.9) * 1000;
    const i = 30;
    let sum = 0;
    let mass = 0;
    series.y.forEach((value, j) => {
      const distance = ((series.x[j] ?? 0) - (series.x[i] ?? 0)) / sigma;
      if (Math.abs(distance) > 3) return;
      const weight = Math.exp(-0.5 * distance * distance);
      sum += weight * value;
      mass += weight;
    });
    expect(smoothBy("gaussian", series, 0.9, 1000)[i]).toBeCloseTo(sum / mass, 10);
  });

  it("by exponential average is the classic one where every point is here", () => {
    const series = { x: Float64Array.of(0, 1, 2), y: Float64Array.of(4, 0, 0), total: 3 };
    const values = smoothBy("ema", series, 0.5, 2);
    expect(values[0]).toBeCloseTo(4, 12);
    expect(values[1]).toBeCloseTo(4 / 3, 12);
    expect(values[2]).toBeCloseTo(4 / 7, 12);
  });

  it("looks both ways: a step is smoothed around itself and not behind it", () => {
    const x = Float64Array.from({ length: 201 }, (_, i) => i);
    const y = x.map((value) => (value < 100 ? 0 : 1));
    for (const kind of ["gaussian", "average"] as const) {
      const values = smoothBy(kind, { x, y, total: 201 }, 0.97, 200);
      expect(values[100]).toBeGreaterThan(0.4);
      expect(values[100]).toBeLessThan(0.6);
    }
  });
});
