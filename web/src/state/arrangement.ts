import type { KeyInfo } from "@/api/types";
import { automaticSection, isAutomatic, type Layout, type Panel, prefixOf, type Section } from "./layout";

/** A panel in its place. */
export interface Entry {
  readonly id: string;
  /** The key of an automatic panel; null for added ones and for keys that nobody logs (any more). */
  readonly info: KeyInfo | null;
  /** As it is stored; null = automatic and untouched. */
  readonly stored: Panel | null;
  /** The type that the key has by itself. */
  readonly type: string;
}

/** A section with all that stands in it. */
export interface Arranged {
  readonly section: Section;
  readonly entries: readonly Entry[];
  /** Keys of this section whose panels were removed. */
  readonly hidden: readonly string[];
}

export interface Arrangement {
  readonly sections: readonly Arranged[];
  /** Automatic sections that were taken away and would have panels. */
  readonly removed: readonly Section[];
}

const collator = new Intl.Collator("en", { numeric: true });

/** Natural order: layer2 before layer10. */
export function compareKeys(a: string, b: string): number {
  return collator.compare(a, b);
}

const sorted = new WeakMap<readonly KeyInfo[], readonly KeyInfo[]>();

/** Keys in natural order. Sorted once per list: there may be a hundred thousand, and pickers open often. */
export function sortedKeys(keys: readonly KeyInfo[]): readonly KeyInfo[] {
  let found = sorted.get(keys);
  if (!found) {
    found = [...keys].sort((a, b) => compareKeys(a.key, b.key));
    sorted.set(keys, found);
  }
  return found;
}

const plainPanels = new WeakMap<Entry, Panel>();

/** The panel of an entry, stored or not; always the same object for the same entry. */
export function panelOf(entry: Entry): Panel {
  if (entry.stored) return entry.stored;
  let panel = plainPanels.get(entry);
  if (!panel) {
    panel = { id: entry.id, type: entry.type, settings: {} };
    plainPanels.set(entry, panel);
  }
  return panel;
}

// An edit of one panel must not render the others again: entries and sections that did not change stay the same objects.
const plainEntries = new WeakMap<KeyInfo, Entry>();
const storedEntries = new WeakMap<Panel, Entry>();
const plainSections = new Map<string, Section>();

function plainEntry(info: KeyInfo, type: string): Entry {
  let entry = plainEntries.get(info);
  if (entry?.type !== type) {
    entry = { id: info.key, info, stored: null, type };
    plainEntries.set(info, entry);
  }
  return entry;
}

function storedEntry(panel: Panel, info: KeyInfo | null): Entry {
  let entry = storedEntries.get(panel);
  if (!entry || entry.info !== info) {
    entry = { id: panel.id, info, stored: panel, type: panel.type };
    storedEntries.set(panel, entry);
  }
  return entry;
}

function plainSection(prefix: string): Section {
  let section = plainSections.get(prefix);
  if (!section) {
    section = automaticSection(prefix);
    plainSections.set(prefix, section);
  }
  return section;
}

/**
 * Lays the keys out by a layout: listed panels first and in their order, then those of the keys that joined by themselves.
 *
 * *typeOf* says which type of panel a key has by itself; null = none.
 */
export function arrange(
  layout: Layout,
  keys: readonly KeyInfo[],
  typeOf: (info: KeyInfo) => string | null,
): Arrangement {
  const infos = new Map<string, KeyInfo>();
  for (const info of keys) infos.set(info.key, info);
  const placed = new Set(layout.sections.flatMap(({ panels }) => panels.map(({ id }) => id)));
  const changed = new Map(layout.changed.map((panel) => [panel.id, panel]));
  const gone = new Set(layout.hidden);
  const prefixes = new Map<string, Prefix>();
  for (const info of keys) {
    const type = typeOf(info);
    if (type === null) continue;
    const name = prefixOf(info.key);
    let prefix = prefixes.get(name);
    if (!prefix) {
      prefix = { entries: [], hidden: [], system: info.kind === "system" };
      prefixes.set(name, prefix);
    }
    if (gone.has(info.key)) prefix.hidden.push(info.key);
    else if (!placed.has(info.key)) {
      const stored = changed.get(info.key);
      prefix.entries.push(stored ? storedEntry(stored, info) : plainEntry(info, type));
    }
  }
  const taken = new Set(layout.sections.map(({ auto }) => auto));
  const sections = [
    ...layout.sections,
    ...[...prefixes.keys()].filter((name) => !taken.has(name)).map(plainSection),
  ];
  const arranged = sections.map((section): Arranged => {
    const prefix = section.auto === null ? undefined : prefixes.get(section.auto);
    const listed = section.panels
      .filter(({ id }) => !isAutomatic(id) || !gone.has(id))
      .map((panel) => storedEntry(panel, isAutomatic(panel.id) ? (infos.get(panel.id) ?? null) : null));
    const rest = (prefix?.entries ?? []).sort((a, b) => compareKeys(a.id, b.id));
    return { section, entries: [...listed, ...rest], hidden: prefix?.hidden ?? [] };
  });
  const worth = ({ section, entries, hidden }: Arranged) =>
    section.auto === null || entries.length > 0 || hidden.length > 0;
  const shown = arranged.filter((one) => worth(one) && !one.section.hidden);
  return {
    sections: inOrder(shown, layout.order, prefixes),
    removed: arranged.filter((one) => worth(one) && one.section.hidden).map(({ section }) => section),
  };
}

interface Prefix {
  entries: Entry[];
  hidden: string[];
  system: boolean;
}

/** Sections as they stand: in the chosen order, and each that it does not name behind the one it would follow by itself. */
function inOrder(
  arranged: readonly Arranged[],
  order: readonly string[],
  prefixes: ReadonlyMap<string, Prefix>,
): Arranged[] {
  const rank = ({ section: { auto } }: Arranged): number => {
    if (auto === null) return 0;
    if (auto === "") return 1;
    return prefixes.get(auto)?.system ? 3 : 2;
  };
  const natural = [...arranged].sort(
    (a, b) => rank(a) - rank(b) || (rank(a) > 0 ? compareKeys(a.section.name, b.section.name) : 0),
  );
  if (order.length === 0) return natural;
  const byId = new Map(natural.map((one) => [one.section.id, one]));
  const result = order.flatMap((id) => byId.get(id) ?? []);
  const named = new Set(order);
  natural.forEach((one, index) => {
    if (named.has(one.section.id)) return;
    const previous = natural[index - 1];
    result.splice(previous ? result.indexOf(previous) + 1 : 0, 0, one);
  });
  return result;
}
