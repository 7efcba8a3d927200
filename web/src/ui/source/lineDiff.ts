/** A stretch of lines that both texts have, or that only one has. */
interface Piece {
  sign: " " | "-" | "+";
  line: string;
}

const CONTEXT = 3;
/** Texts that differ in more lines are shown as replaced: the search takes time and memory with the square of this. */
const MAX_DISTANCE = 2_000;

/**
 * The lines of two texts as one sequence with the fewest changes (E. Myers, An O(ND) Difference Algorithm, 1986).
 */
export function diffLines(before: readonly string[], after: readonly string[]): Piece[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail++;
  const a = before.slice(head, before.length - tail);
  const b = after.slice(head, after.length - tail);
  const same = (lines: readonly string[]): Piece[] => lines.map((line) => ({ sign: " ", line }));
  return [
    ...same(before.slice(0, head)),
    ...(middle(a, b) ?? replaced(a, b)),
    ...same(before.slice(before.length - tail)),
  ];
}

const replaced = (a: readonly string[], b: readonly string[]): Piece[] => [
  ...a.map((line): Piece => ({ sign: "-", line })),
  ...b.map((line): Piece => ({ sign: "+", line })),
];

/** The shortest script from *a* to *b*; null if it has more than MAX_DISTANCE changes. */
function middle(a: readonly string[], b: readonly string[]): Piece[] | null {
  if (a.length === 0 || b.length === 0) return replaced(a, b);
  const limit = Math.min(a.length + b.length, MAX_DISTANCE);
  // reached[k + limit + 1]: how far in *a* the best path on diagonal k = x − y has come. A round with d changes reads
  // the diagonals beside its own, which the round before has written.
  const reached = new Int32Array(2 * limit + 3);
  const history: Int32Array[] = [];
  for (let d = 0; d <= limit; d++) {
    history.push(reached.slice());
    for (let k = -d; k <= d; k += 2) {
      const at = k + limit + 1;
      const down = k === -d || (k !== d && get(reached, at - 1) < get(reached, at + 1));
      let x = down ? get(reached, at + 1) : get(reached, at - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reached[at] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, history, limit);
    }
  }
  return null;
}

const get = (values: Int32Array, at: number) => values[at] ?? 0;

function walkBack(
  a: readonly string[],
  b: readonly string[],
  history: readonly Int32Array[],
  limit: number,
): Piece[] {
  const pieces: Piece[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = history.length - 1; d >= 0; d--) {
    const reached = history[d] as Int32Array;
    const k = x - y;
    const at = k + limit + 1;
    const down = k === -d || (k !== d && get(reached, at - 1) < get(reached, at + 1));
    const before = down ? get(reached, at + 1) : get(reached, at - 1);
    // Where the stretch of equal lines begins that follows the change.
    const begin = d === 0 ? 0 : down ? before : before + 1;
    while (x > begin) {
      x--;
      y--;
      pieces.push({ sign: " ", line: a[x] ?? "" });
    }
    if (d === 0) break;
    if (down) pieces.push({ sign: "+", line: b[--y] ?? "" });
    else pieces.push({ sign: "-", line: a[--x] ?? "" });
  }
  return pieces.reverse();
}

/** Two texts as a unified diff with three lines around each change; empty if they are equal. */
export function unifiedDiff(before: string, after: string): string {
  const pieces = diffLines(linesOf(before), linesOf(after));
  const hunks: string[] = [];
  let a = 1;
  let b = 1;
  let i = 0;
  while (i < pieces.length) {
    if (pieces[i]?.sign === " ") {
      i++;
      a++;
      b++;
      continue;
    }
    const begin = Math.max(0, i - CONTEXT);
    let end = i + 1;
    for (let j = i; j < pieces.length && j < end + 2 * CONTEXT; j++) if (pieces[j]?.sign !== " ") end = j + 1;
    const last = Math.min(pieces.length, end + CONTEXT);
    const shown = pieces.slice(begin, last);
    const count = (sign: string) => shown.filter((piece) => piece.sign !== sign).length;
    const lead = i - begin;
    hunks.push(`@@ -${a - lead},${count("+")} +${b - lead},${count("-")} @@`);
    for (const { sign, line } of shown) hunks.push(sign + line);
    for (const { sign } of pieces.slice(i, last)) {
      if (sign !== "+") a++;
      if (sign !== "-") b++;
    }
    i = last;
  }
  return hunks.length > 0 ? `${hunks.join("\n")}\n` : "";
}

/** A line end at the end of a text ends its last line and begins no other one. */
function linesOf(text: string): string[] {
  if (text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}
