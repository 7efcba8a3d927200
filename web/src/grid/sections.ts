import type { KeyInfo } from "@/api/types";

/** Panels whose keys share a prefix. */
export interface Section {
  name: string;
  keys: readonly KeyInfo[];
}

/** Keys without a prefix have a section of their own, which comes first. */
const NO_PREFIX = "Charts";

/** The prefix of a key, up to the first slash. */
export function sectionOf(key: string): string {
  const slash = key.indexOf("/");
  return slash > 0 ? key.slice(0, slash) : NO_PREFIX;
}

/** Groups keys by prefix: unprefixed first, then by name, the machine's own last. */
export function sectionsOf(keys: readonly KeyInfo[]): Section[] {
  const sections = new Map<string, KeyInfo[]>();
  for (const info of keys) {
    const name = sectionOf(info.key);
    const section = sections.get(name);
    if (section) section.push(info);
    else sections.set(name, [info]);
  }
  const rank = (section: Section) =>
    section.name === NO_PREFIX ? 0 : section.keys[0]?.kind === "system" ? 2 : 1;
  return [...sections]
    .map(([name, members]) => ({ name, keys: members.sort((a, b) => compareKeys(a.key, b.key)) }))
    .sort((a, b) => rank(a) - rank(b) || compareKeys(a.name, b.name));
}

const collator = new Intl.Collator("en", { numeric: true });

/** Natural order: layer2 before layer10. */
export function compareKeys(a: string, b: string): number {
  return collator.compare(a, b);
}

/** A test for keys; null if the pattern is not a regular expression. An empty pattern matches all. */
export function keyMatcher(pattern: string, regex: boolean): ((key: string) => boolean) | null {
  if (!pattern) return () => true;
  if (!regex) {
    const lower = pattern.toLowerCase();
    return (key) => key.toLowerCase().includes(lower);
  }
  try {
    const expression = new RegExp(pattern, "i");
    return (key) => expression.test(key);
  } catch {
    return null;
  }
}
