import { describe, expect, it } from "vitest";
import { pca } from "@/media/projection/pca";
import { tsne } from "@/media/projection/tsne";

/** Two clusters of twenty in six dimensions, far apart along the diagonal. */
function clusters(): Float32Array {
  const values = new Float32Array(40 * 6);
  for (let row = 0; row < 40; row++) {
    for (let i = 0; i < 6; i++)
      values[row * 6 + i] = (row < 20 ? 0 : 10) + Math.sin(row * 7.3 + i * 1.7) * 0.5;
  }
  return values;
}

/** Whether a line parts the first twenty from the others. */
function parted(places: Float32Array): boolean {
  const mean = (from: number) => {
    let [x, y] = [0, 0];
    for (let row = from; row < from + 20; row++) {
      x += (places[row * 2] ?? 0) / 20;
      y += (places[row * 2 + 1] ?? 0) / 20;
    }
    return [x, y] as const;
  };
  const [ax, ay] = mean(0);
  const [bx, by] = mean(20);
  return Array.from({ length: 40 }, (_, row) => {
    const [x, y] = [places[row * 2] ?? 0, places[row * 2 + 1] ?? 0];
    return Math.hypot(x - ax, y - ay) < Math.hypot(x - bx, y - by) === row < 20;
  }).every(Boolean);
}

describe("vectors in the plane", () => {
  it("by PCA lie along the direction of most variance first", () => {
    const places = pca(clusters(), 40, 6);
    const spread = (component: number) =>
      Array.from({ length: 40 }, (_, row) => (places[row * 2 + component] ?? 0) ** 2).reduce(
        (a, b) => a + b,
        0,
      );

    expect(parted(places)).toBe(true);
    expect(spread(0)).toBeGreaterThan(50 * spread(1));
  });

  it("by PCA have no place for NaN but nothing breaks", () => {
    const values = clusters();
    values[3] = Number.NaN;

    expect(pca(values, 40, 6).every(Number.isFinite)).toBe(true);
  });

  it("by t-SNE stay in their clusters", () => {
    const values = clusters();
    const places = tsne(values, 40, 6, pca(values, 40, 6), () => undefined);

    expect(places.every(Number.isFinite)).toBe(true);
    expect(parted(places)).toBe(true);
  });
});
