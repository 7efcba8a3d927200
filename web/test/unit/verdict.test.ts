import { describe, expect, it } from "vitest";
import type { GroupComparison } from "@/api/statistics";
import { decodeCompare, encodeCompare } from "@/features/compare/compareAddress";
import { unifiedPatch } from "@/features/compare/unifiedPatch";
import { pText, verdictOf } from "@/features/compare/words";
import { parsePatch } from "@/features/run/code/patch";

const found: GroupComparison = {
  n: [5, 5],
  mean: [81.6, 80.8],
  std: [0.3, 0.3],
  difference: 0.8,
  ci: [0.3, 1.2],
  test: "welch",
  t: 4.4,
  df: 7.9,
  p: 0.0022,
  effect: { name: "Hedges' g", value: 2.5, ci: [0.8, 4.1] },
  superiority: 1,
  more_runs: { per_group: 0, note: "Enough." },
  warnings: [],
};

describe("a comparison in words", () => {
  it("says which is better, and how sure that is", () => {
    const said = verdictOf(found, "acc", ["A", "B"], "max", 0.95);
    expect(said.headline).toBe("A is better: acc differs by 0.8.");
    expect(said.certainty).toBe("clear");
    expect(said.sentences.join(" ")).toContain("p = 0.0022");
    expect(said.sentences.join(" ")).toContain("large");
    expect(verdictOf(found, "loss", ["A", "B"], "min", 0.95).headline).toMatch(/^B is better/);
    expect(verdictOf(found, "acc", ["A", "B"], null, 0.95).headline).toBe("A is higher by 0.8.");
  });

  it("does not call chance a difference", () => {
    const unclear = verdictOf({ ...found, p: 0.3, ci: [-0.2, 1.8] }, "acc", ["A", "B"], "max", 0.95);
    expect(unclear.certainty).toBe("unclear");
    expect(unclear.headline).toContain("may be chance");
    expect(unclear.sentences[0]).toContain("includes zero");
  });

  it("says when nothing can be tested or compared", () => {
    const single = verdictOf(
      { ...found, test: null, p: null, ci: null, effect: null, n: [1, 1] },
      "acc",
      ["A", "B"],
      "max",
      0.95,
    );
    expect(single.certainty).toBe("unknown");
    expect(single.sentences.join(" ")).toContain("each side needs two runs");
    expect(
      verdictOf({ ...found, difference: null, warnings: ["w"] }, "acc", ["A", "B"], null, 0.95).sentences,
    ).toEqual(["w"]);
    expect(pText(1e-9)).toBe("below 0.0001");
  });
});

describe("a difference of files", () => {
  it("is read like what git writes", () => {
    const diff = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n-a = 1\n+a = 2\n b\n";
    const [file] = parsePatch(unifiedPatch("x.py", "changed", diff));
    expect(file).toMatchObject({ path: "x.py", added: 1, removed: 1 });
    expect(parsePatch(unifiedPatch("y.py", "added", "@@ -0,0 +1 @@\n+x\n"))[0]?.change).toBe("added");
  });
});

describe("the comparing page in the address", () => {
  it("comes back as it was", () => {
    const [a, b] = ["a".repeat(26), "b".repeat(26)];
    const address = decodeCompare({
      runs: `${a},${b},${a},,a-name`,
      tab: "seeds",
      base: b,
      all: "1",
      metric: "x",
      agg: "max",
      goal: "min",
      filter: "f",
    });
    expect(address.runs).toEqual([a, b]);
    expect(decodeCompare(encodeCompare(address))).toEqual(address);
    expect(decodeCompare({ tab: "nonsense", agg: "nonsense", goal: "up" })).toMatchObject({
      tab: "differences",
      agg: null,
      goal: null,
    });
  });
});
