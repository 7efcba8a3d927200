/** Runs that are marked to be changed together: some, or all that match but some. */
export interface Marks {
  readonly all: boolean;
  /** Marked ones, or with `all` those that are not. */
  readonly keys: ReadonlySet<string>;
}

export const NO_MARKS: Marks = { all: false, keys: new Set() };
export const ALL_MARKED: Marks = { all: true, keys: new Set() };

export function isMarked(marks: Marks, key: string): boolean {
  return marks.all !== marks.keys.has(key);
}

export function mark(marks: Marks, keys: Iterable<string>, on: boolean): Marks {
  const next = new Set(marks.keys);
  for (const key of keys) {
    if (marks.all === on) next.delete(key);
    else next.add(key);
  }
  return { ...marks, keys: next };
}

/** How many are marked of *match*. */
export function countMarks({ all, keys }: Marks, match: number): number {
  return all ? Math.max(0, match - keys.size) : keys.size;
}
