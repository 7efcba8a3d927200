// Two texts that go on from one: what only one side changed is taken, what both changed is left to people.

import { splitLines } from "./blocks";

export interface Merge {
  text: string;
  /** Places where both changed the same lines; in the text they stand between marks, mine first. */
  conflicts: number;
}

const MINE = "<<<<<<< mine";
const BETWEEN = "=======";
const THEIRS = ">>>>>>> theirs";

/** Merges line by line. */
export function mergeTexts(base: string, mine: string, theirs: string): Merge {
  if (mine === theirs) return { text: mine, conflicts: 0 };
  const [b, m, t] = [splitLines(base), splitLines(mine), splitLines(theirs)];
  const [inMine, inTheirs] = [matches(b, m), matches(b, t)];
  const out: string[] = [];
  let conflicts = 0;
  let [at, atMine, atTheirs] = [0, 0, 0];
  const settle = (toBase: number, toMine: number, toTheirs: number) => {
    const [was, my, their] = [b.slice(at, toBase), m.slice(atMine, toMine), t.slice(atTheirs, toTheirs)].map(
      (lines) => lines.join(""),
    ) as [string, string, string];
    if (my === their || their === was) out.push(my);
    else if (my === was) out.push(their);
    else {
      conflicts++;
      out.push(`${MINE}\n${ended(my)}${BETWEEN}\n${ended(their)}${THEIRS}\n`);
    }
    [at, atMine, atTheirs] = [toBase, toMine, toTheirs];
  };
  for (let line = 0; line < b.length; line++) {
    const [mineLine, theirLine] = [inMine.get(line), inTheirs.get(line)];
    if (mineLine === undefined || theirLine === undefined) continue;
    if (mineLine < atMine || theirLine < atTheirs) continue;
    settle(line, mineLine, theirLine);
    out.push(b[line] ?? "");
    [at, atMine, atTheirs] = [line + 1, mineLine + 1, theirLine + 1];
  }
  settle(b.length, m.length, t.length);
  return { text: out.join(""), conflicts };
}

function ended(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Lines beyond which texts are compared as a whole: the table below has the product of both. */
const TABLE_CELLS = 4_000_000;

/** For each line of a that b has too, its place there: a longest common subsequence. */
function matches(a: readonly string[], b: readonly string[]): Map<number, number> {
  const found = new Map<number, number>();
  let begin = 0;
  while (begin < a.length && begin < b.length && a[begin] === b[begin]) {
    found.set(begin, begin);
    begin++;
  }
  let [endA, endB] = [a.length, b.length];
  while (endA > begin && endB > begin && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
    found.set(endA, endB);
  }
  const [rows, columns] = [endA - begin, endB - begin];
  if (rows * columns > TABLE_CELLS) return found;
  const width = columns + 1;
  const lengths = new Uint32Array((rows + 1) * width);
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      const here = i * width + j;
      lengths[here] =
        a[begin + i] === b[begin + j]
          ? (lengths[here + width + 1] ?? 0) + 1
          : Math.max(lengths[here + width] ?? 0, lengths[here + 1] ?? 0);
    }
  }
  let [i, j] = [0, 0];
  while (i < rows && j < columns) {
    if (a[begin + i] === b[begin + j]) {
      found.set(begin + i, begin + j);
      i++;
      j++;
    } else if ((lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0)) i++;
    else j++;
  }
  return found;
}
