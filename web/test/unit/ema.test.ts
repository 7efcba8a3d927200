import { describe, expect, it } from "vitest";
import { isSmoothable, smooth } from "@/charts/core/ema";

const curve = (x: number) => Math.exp(-x / 300) + 0.2 * Math.sin(x / 40);
const sample = (n: number) => {
  const x = Float64Array.from({ length: n }, (_, i) => (i / (n - 1)) * 1000);
  return { x, y: x.map(curve) };
};

describe("smoothing", () => {
  it.each([0.5, 0.9, 0.99])("with weight %d gives the same curve at 400 and at 24,000 points", (weight) => {
    const few = sample(401);
    const many = sample(24_001);

    const coarse = smooth(few.x, few.y, weight, 1000);
    const fine = smooth(many.x, many.y, weight, 1000);

    // The first points have no history yet; there the two may differ by a little more.
    for (let i = 4; i < 401; i++) expect(Math.abs((coarse[i] ?? 0) - (fine[i * 60] ?? 0))).toBeLessThan(0.01);
  });

  it("of a constant is that constant, from the first point on", () => {
    const x = Float64Array.from([0, 1, 5, 6, 100]);
    const y = new Float64Array(5).fill(3.5);

    for (const value of smooth(x, y, 0.95, 100)) expect(value).toBeCloseTo(3.5, 12);
  });

  it("follows distance in x: a far point counts as new, a near one as a repetition", () => {
    const near = smooth([0, 1], [0, 1], 0.9, 1000);
    const far = smooth([0, 900], [0, 1], 0.9, 1000);

    expect(near[1]).toBeLessThan(0.5);
    expect(far[1]).toBeGreaterThanOrEqual(0.5);
  });

  it("passes over NaN without spreading it", () => {
    const values = smooth([0, 1, 2, 3], [1, Number.NaN, 1, 1], 0.9, 3);

    expect(values[1]).toBeNaN();
    expect(values[3]).toBeCloseTo(1, 12);
  });

  it("of weight 0 changes nothing", () => {
    expect([...smooth([0, 1, 2], [3, 1, 2], 0, 2)]).toEqual([3, 1, 2]);
  });

  it.each([
    "train/lr",
    "lr",
    "lr-AdamW",
    "learning_rate",
    "opt/lr_0",
    "system/gpu.0.util",
    "epoch",
    "trainer/global_step",
  ])("is never applied to %s", (key) => expect(isSmoothable(key)).toBe(false));

  it.each(["train/loss", "val/acc", "lr_loss", "clr", "steps_per_second"])("may be applied to %s", (key) =>
    expect(isSmoothable(key)).toBe(true),
  );
});
