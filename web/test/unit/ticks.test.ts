import { describe, expect, it } from "vitest";
import { durationTicks, linearTicks, logTicks, numberTicks, relativeTicks } from "@/charts/core/ticks";

describe("ticks", () => {
  it("of a linear axis are round and inside", () => {
    expect(linearTicks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(linearTicks(0.13, 0.87, 4)).toEqual([0.2, 0.4, 0.6, 0.8]);
    expect(linearTicks(-1, 1, 4)).toEqual([-1, -0.5, 0, 0.5, 1]);
  });

  it("carry no floating point dust", () => {
    for (const tick of linearTicks(0, 0.7, 7)) expect(String(tick).length).toBeLessThan(5);
  });

  it("of a huge axis are powers of ten", () => {
    expect(numberTicks(0, 2e147, 4, false, null).labels).toEqual(["0", "5e146", "1e147", "1.5e147", "2e147"]);
  });

  it("of an empty or broken range do not loop for ever", () => {
    expect(linearTicks(5, 5, 4)).toEqual([5]);
    expect(linearTicks(Number.NaN, 1, 4)).toEqual([]);
    expect(logTicks(0, 10)).toEqual([]);
  });

  it("of a log axis are powers of ten, thinned over many decades and filled over few", () => {
    expect(logTicks(1, 1000)).toEqual([1, 10, 100, 1000]);
    expect(logTicks(1e-12, 1e12).length).toBeLessThanOrEqual(7);
    expect(logTicks(0.4, 7)).toEqual([0.5, 1, 2, 5]);
  });

  it("of a log axis over less than a factor of two are still there", () => {
    expect(logTicks(0.9, 1.1).length).toBeGreaterThan(1);
  });

  it("share one suffix on an axis", () => {
    expect(numberTicks(0, 20_000, 4, false, null).labels).toEqual(["0", "5k", "10k", "15k", "20k"]);
    expect(numberTicks(0, 100, 2, false, "%").labels).toEqual(["0%", "50%", "100%"]);
    expect(numberTicks(0, 0.001, 5, false, null).labels).toEqual([
      "0",
      "2e−4",
      "4e−4",
      "6e−4",
      "8e−4",
      "0.001",
    ]);
  });

  it("differ in what is written, however near they are", () => {
    for (const [low, high] of [
      [25.6612, 25.6619],
      [1e6, 1e6 + 5],
      [-3.00001, -3],
      [1e-9, 1.0005e-9],
    ] as const) {
      const { labels } = numberTicks(low, high, 5, false, null);
      expect(new Set(labels).size).toBe(labels.length);
    }
  });

  it("of time are those of a clock", () => {
    expect(durationTicks(0, 3600, 4)).toEqual([0, 900, 1800, 2700, 3600]);
    expect(relativeTicks(0, 7200, 4).labels).toEqual(["0s", "30m", "1h", "1h 30m", "2h"]);
  });
});
