import { describe, expect, it } from "vitest";
import { diffLines, unifiedDiff } from "@/ui/source/lineDiff";

/** Texts of few different lines, so that many are equal; the same at every run. */
function* texts(): Generator<[string[], string[]]> {
  let state = 7;
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const text = () => Array.from({ length: next(25) }, () => "abc"[next(3)] as string);
  for (let round = 0; round < 400; round++) yield [text(), text()];
}

describe("lines of two texts", () => {
  it("hold both texts, and change as little as possible", () => {
    for (const [before, after] of texts()) {
      const pieces = diffLines(before, after);
      const without = (sign: string) => pieces.filter((one) => one.sign !== sign).map(({ line }) => line);
      expect(without("+")).toEqual(before);
      expect(without("-")).toEqual(after);
      const changes = pieces.filter(({ sign }) => sign !== " ").length;
      expect(changes).toBe(before.length + after.length - 2 * longestCommon(before, after));
    }
  });

  it("are a unified diff as git writes it", () => {
    const before = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";
    const after = "one\n2\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
    expect(unifiedDiff(before, after)).toBe(
      "@@ -1,5 +1,5 @@\n one\n-two\n+2\n three\n four\n five\n@@ -7,3 +7,4 @@\n seven\n eight\n nine\n+ten\n",
    );
    expect(unifiedDiff(before, before)).toBe("");
    expect(unifiedDiff("", "a\n")).toBe("@@ -1,0 +1,1 @@\n+a\n");
  });
});

/** Of dynamic programming, which is slow and plain. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const best = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const row = best[i] as number[];
      row[j] =
        a[i - 1] === b[j - 1]
          ? (best[i - 1]?.[j - 1] ?? 0) + 1
          : Math.max(best[i - 1]?.[j] ?? 0, row[j - 1] ?? 0);
    }
  }
  return best[a.length]?.[b.length] ?? 0;
}
