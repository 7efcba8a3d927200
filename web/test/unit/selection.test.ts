import { describe, expect, it } from "vitest";
import {
  ALL_SHOWN,
  decodeNumbers,
  encodeNumbers,
  isShown,
  NONE_SHOWN,
  onlyShown,
  setShown,
} from "@/state/selection";

describe("the selection", () => {
  it("shows new runs when all are shown, and hides them when some were chosen", () => {
    expect(isShown(setShown(ALL_SHOWN, [1], false), 99)).toBe(true);
    expect(isShown(onlyShown(ALL_SHOWN, [1]), 99)).toBe(false);
  });

  it("shows and hides in both modes", () => {
    for (const start of [ALL_SHOWN, NONE_SHOWN]) {
      const hidden = setShown(start, [5, 6], false);
      expect(isShown(hidden, 5)).toBe(false);
      expect(isShown(setShown(hidden, [5], true), 5)).toBe(true);
      expect(isShown(setShown(hidden, [5], true), 6)).toBe(false);
    }
  });

  it("asked for only this run a second time shows all again", () => {
    const only = onlyShown(ALL_SHOWN, [3]);

    expect(onlyShown(only, [3])).toEqual(ALL_SHOWN);
  });

  it("is written as short ranges", () => {
    expect(encodeNumbers([4, 1, 2, 3, 9])).toBe("1-4,9");
    expect([...decodeNumbers("1-4,9")]).toEqual([1, 2, 3, 4, 9]);
    expect(encodeNumbers([])).toBe("");
  });

  it("of a hostile link stays small", () => {
    expect(decodeNumbers("0-999999999").size).toBeLessThan(300_000);
  });
});
