import { describe, expect, it } from "vitest";
import type { KeyInfo } from "@/api/types";
import { keyMatcher, sectionsOf } from "@/grid/sections";

const info = (key: string, kind: KeyInfo["kind"] = "number"): KeyInfo => ({
  key,
  kind,
  runs: 1,
  step_metric: null,
  goal: null,
  unit: null,
  summary: [],
  hidden: false,
});

describe("sections", () => {
  it("follow the prefix: unprefixed first, system last, natural order inside", () => {
    const sections = sectionsOf([
      info("system/cpu", "system"),
      info("val/a"),
      info("train/l10"),
      info("train/l2"),
      info("loss"),
    ]);

    expect(sections.map(({ name }) => name)).toEqual(["Charts", "train", "val", "system"]);
    expect(sections[1]?.keys.map(({ key }) => key)).toEqual(["train/l2", "train/l10"]);
  });
});

describe("the panel search", () => {
  it("matches as a regular expression or as text", () => {
    expect(keyMatcher("loss|acc", true)?.("val/acc")).toBe(true);
    expect(keyMatcher("loss|acc", false)?.("val/acc")).toBe(false);
    expect(keyMatcher("GPU.0", false)?.("system/gpu.0.util")).toBe(true);
  });

  it("says when a pattern is not finished", () => expect(keyMatcher("(loss", true)).toBeNull());
});
