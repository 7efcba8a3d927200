/**
 * Which runs are shown, by run number.
 *
 * Either all but some, or none but some: so that runs which appear later are shown in the first case
 * and hidden in the second, and so that a link stays short with ten thousand runs.
 */
export interface Selection {
  readonly shown: "all" | "none";
  readonly except: ReadonlySet<number>;
}

export const ALL_SHOWN: Selection = { shown: "all", except: new Set() };
export const NONE_SHOWN: Selection = { shown: "none", except: new Set() };

export function isShown(selection: Selection, number: number): boolean {
  return (selection.shown === "all") !== selection.except.has(number);
}

/** Shows or hides runs. */
export function setShown(selection: Selection, numbers: Iterable<number>, shown: boolean): Selection {
  const except = new Set(selection.except);
  const belongs = (selection.shown === "all") !== shown;
  for (const number of numbers) {
    if (belongs) except.add(number);
    else except.delete(number);
  }
  return { ...selection, except };
}

/** Shows only these; asked again while only these are shown, shows all. */
export function onlyShown(selection: Selection, numbers: readonly number[]): Selection {
  const already =
    selection.shown === "none" &&
    selection.except.size === numbers.length &&
    numbers.every((number) => selection.except.has(number));
  return already ? ALL_SHOWN : { shown: "none", except: new Set(numbers) };
}

/** Numbers as sorted ranges: 1-4,9. */
export function encodeNumbers(numbers: Iterable<number>): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (end + 1 < sorted.length && sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    ranges.push(end === i ? `${sorted[i]}` : `${sorted[i]}-${sorted[end]}`);
    i = end + 1;
  }
  return ranges.join(",");
}

/** Longest range a link may name; more is a typing error or an attack on the tab's memory. */
const RANGE_LIMIT = 200_000;

/** The inverse of `encodeNumbers`; what is not a number or range is skipped. */
export function decodeNumbers(text: string): Set<number> {
  const numbers = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part);
    if (!match) continue;
    const from = Number(match[1]);
    const to = Math.min(Number(match[2] ?? match[1]), from + RANGE_LIMIT);
    for (let number = from; number <= to; number++) numbers.add(number);
  }
  return numbers;
}
