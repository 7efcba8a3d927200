import { describe, expect, it } from "vitest";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatValue,
} from "@/ui/humanize";
import { csvField } from "@/ui/saveText";

describe("numbers", () => {
  it.each([
    [0, "0"],
    [0.1 + 0.2, "0.3"],
    [-1.5, "−1.5"],
    [1284, "1284"],
    [12_840, "12.84k"],
    [2.5e6, "2.5M"],
    [3e9, "3G"],
    [0.000123, "1.23e−4"],
    [1e-300, "1e−300"],
    [1e300, "1e300"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("%d reads %s", (value, text) => expect(formatNumber(value)).toBe(text));

  it("get only the unit that was declared, and percent is not multiplied", () => {
    expect(formatValue(83.49, "%")).toBe("83.49%");
    expect(formatValue(0.8349, null)).toBe("0.8349");
    expect(formatValue(560, "W")).toBe("560 W");
  });

  it("of things have thousands separators", () => expect(formatCount(1284)).toBe("1,284"));
});

describe("time", () => {
  it.each([
    [0.25, "0.25s"],
    [42, "42s"],
    [60, "1m"],
    [5400, "1h 30m"],
    [3601, "1h"],
    [90_000, "1d 1h"],
    [-30, "−30s"],
  ])("%d s reads %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it("that passed is given in one unit", () => {
    const now = 1_000_000_000_000;
    expect(formatAge(now, now)).toBe("now");
    expect(formatAge(now - 4 * 60_000, now)).toBe("4m");
    expect(formatAge(now - 50 * 3_600_000, now)).toBe("2d");
  });
});

describe("other texts", () => {
  it("bytes use binary units", () => expect(formatBytes(1_482_113)).toBe("1.41 MiB"));

  it("a CSV field cannot become a formula or break a row", () => {
    expect(csvField("=1+1")).toBe("'=1+1");
    expect(csvField('a,"b"')).toBe('"a,""b"""');
    expect(csvField(-3)).toBe("-3");
  });
});
