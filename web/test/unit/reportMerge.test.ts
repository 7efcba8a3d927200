import { describe, expect, it } from "vitest";
import { mergeTexts } from "@/features/reports/merge";

const BASE = "one\ntwo\nthree\nfour\nfive\n";

describe("two texts that go on from one", () => {
  it("have both changes where they are in different lines", () => {
    const merged = mergeTexts(BASE, BASE.replace("one", "ONE"), BASE.replace("five", "FIVE\nsix"));

    expect(merged).toEqual({ text: "ONE\ntwo\nthree\nfour\nFIVE\nsix\n", conflicts: 0 });
  });

  it("have what one took out and what the other put in", () => {
    const merged = mergeTexts(BASE, BASE.replace("two\n", ""), BASE.replace("four\n", "four\nnew\n"));

    expect(merged).toEqual({ text: "one\nthree\nfour\nnew\nfive\n", conflicts: 0 });
  });

  it("show both where both changed the same line", () => {
    const merged = mergeTexts(BASE, BASE.replace("three", "mine"), BASE.replace("three", "theirs"));

    expect(merged.conflicts).toBe(1);
    expect(merged.text).toBe("one\ntwo\n<<<<<<< mine\nmine\n=======\ntheirs\n>>>>>>> theirs\nfour\nfive\n");
  });

  it("are one where both changed the same", () => {
    const same = BASE.replace("three", "3");

    expect(mergeTexts(BASE, same, same)).toEqual({ text: same, conflicts: 0 });
    expect(mergeTexts(BASE, `${same}x`, `${same}x`).conflicts).toBe(0);
  });

  it("lose nothing of either side, whatever they are", () => {
    let state = 3;
    const random = (n: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const edit = (lines: string[], mark: string) =>
      lines.flatMap((line, i) => (random(5) === 0 ? [`${mark}${i}\n`] : random(6) === 0 ? [] : [line]));
    for (let round = 0; round < 300; round++) {
      const lines = Array.from({ length: random(12) }, (_, i) => `line ${i % 4}\n`);
      const [mine, theirs] = [edit(lines, "m").join(""), edit(lines, "t").join("")];
      const merged = mergeTexts(lines.join(""), mine, theirs);

      for (const added of [...mine.split("\n"), ...theirs.split("\n")].filter((line) =>
        /^[mt]\d/.test(line),
      )) {
        expect(merged.text).toContain(added);
      }
      expect(mergeTexts(lines.join(""), mine, lines.join("")).text).toBe(mine);
      expect(mergeTexts(lines.join(""), lines.join(""), theirs).text).toBe(theirs);
    }
  });
});
