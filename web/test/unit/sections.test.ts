import { describe, expect, it } from "vitest";
import { keyMatcher } from "@/grid/sections";

describe("the panel search", () => {
  it("matches as a regular expression or as text", () => {
    expect(keyMatcher("loss|acc", true)?.("val/acc")).toBe(true);
    expect(keyMatcher("loss|acc", false)?.("val/acc")).toBe(false);
    expect(keyMatcher("GPU.0", false)?.("system/gpu.0.util")).toBe(true);
  });

  it("says when a pattern is not finished", () => expect(keyMatcher("(loss", true)).toBeNull());
});
