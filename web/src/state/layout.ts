// Sections and panels of a page: what people arranged, over what the keys arrange by themselves.

/** A value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Settings of a panel, a section or the workspace, by name. Absent = inherited. */
export type Settings = { readonly [name: string]: Json };

export type PanelSize = "s" | "m" | "l";

/** Columns and rows of the grid that a panel takes. */
export interface Span {
  readonly w: number;
  readonly h: number;
}

export const ONE_CELL: Span = { w: 1, h: 1 };
export const SPAN_LIMIT = 4;

/**
 * One panel.
 *
 * An automatic panel is there because a key is: its id is the key. One that somebody added has an id that begins
 * with "+", and names what it shows in its settings.
 */
export interface Panel {
  readonly id: string;
  readonly type: string;
  readonly title?: string;
  readonly span?: Span;
  readonly settings: Settings;
}

/** A section as it is stored. */
export interface Section {
  readonly id: string;
  readonly name: string;
  readonly open: boolean;
  /** Keys of this prefix join by themselves ("" = keys without one); null = only what is listed. */
  readonly auto: string | null;
  readonly size: PanelSize | null;
  readonly settings: Settings;
  /** Panels with a place, in order. Automatic ones that are not listed follow in the order of their keys. */
  readonly panels: readonly Panel[];
  readonly hidden: boolean;
}

/** What people changed. The empty layout is the automatic one: a section per prefix, a panel per key. */
export interface Layout {
  /** Sections that differ from the automatic ones, and those that were added. */
  readonly sections: readonly Section[];
  /** Automatic panels that differ and stand where their key puts them. */
  readonly changed: readonly Panel[];
  /** Keys whose automatic panels were removed. */
  readonly hidden: readonly string[];
  /** Section ids, first to last; those that are not named stand where they would by themselves. */
  readonly order: readonly string[];
}

/** The layout of a page that nobody has touched. */
export const AUTOMATIC: Layout = { sections: [], changed: [], hidden: [], order: [] };

const OWN = "+";
const AUTO = "section:";

/** Whether a panel is there because its key is. */
export function isAutomatic(panelId: string): boolean {
  return !panelId.startsWith(OWN);
}

/** An id for a panel or section that somebody adds. */
export function freshId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return OWN + [...bytes].map((byte) => (byte % 36).toString(36)).join("");
}

/** Keys without a prefix have a section of their own. */
const NO_PREFIX_NAME = "Charts";

/** The prefix of a key, up to the first slash; "" if it has none. */
export function prefixOf(key: string): string {
  const slash = key.indexOf("/");
  return slash > 0 ? key.slice(0, slash) : "";
}

/** The section of a prefix as it is by itself. */
export function automaticSection(prefix: string): Section {
  return {
    id: AUTO + prefix,
    name: prefix || NO_PREFIX_NAME,
    open: true,
    auto: prefix,
    size: null,
    settings: {},
    panels: [],
    hidden: false,
  };
}

export function ownSection(id: string, name: string, panels: readonly Panel[] = []): Section {
  return { id, name, open: true, auto: null, size: null, settings: {}, panels, hidden: false };
}

/** Changes a section; one that is by itself is stored from then on, and forgotten when it is as before. */
export function editSection(layout: Layout, section: Section, change: Partial<Section>): Layout {
  const next = { ...section, ...change };
  const known = layout.sections.some(({ id }) => id === section.id);
  const plain = next.auto !== null && isPlain(next);
  const sections = plain
    ? layout.sections.filter(({ id }) => id !== section.id)
    : known
      ? layout.sections.map((other) => (other.id === section.id ? next : other))
      : [...layout.sections, next];
  return { ...layout, sections };
}

function isPlain(section: Section): boolean {
  const plain = automaticSection(section.auto ?? "");
  return (
    section.name === plain.name &&
    section.open &&
    !section.hidden &&
    section.size === null &&
    section.panels.length === 0 &&
    Object.keys(section.settings).length === 0
  );
}

/** Adds a section at the top; *shown* are the ids of all sections as they stand. */
export function addSection(layout: Layout, section: Section, shown: readonly string[]): Layout {
  return { ...layout, sections: [...layout.sections, section], order: [section.id, ...shown] };
}

/** Takes a section away. An automatic one is hidden and can be brought back; panels of others that stood in it go home. */
export function removeSection(layout: Layout, section: Section): Layout {
  if (section.auto !== null) return editSection(layout, section, { hidden: true });
  return {
    ...layout,
    sections: layout.sections.filter(({ id }) => id !== section.id),
    changed: keepChanges(layout.changed, section.panels),
    order: layout.order.filter((id) => id !== section.id),
  };
}

/** Automatic panels that lose their place keep what they do differently. */
function keepChanges(changed: readonly Panel[], leaving: readonly Panel[]): readonly Panel[] {
  const kept = leaving.filter((panel) => isAutomatic(panel.id) && differs(panel));
  return kept.length > 0 ? [...changed, ...kept] : changed;
}

function differs(panel: Panel): boolean {
  return panel.title !== undefined || panel.span !== undefined || Object.keys(panel.settings).length > 0;
}

/** Puts section *id* at *index* of *shown*, the ids of all sections as they stand. */
export function moveSection(layout: Layout, shown: readonly string[], id: string, index: number): Layout {
  const order = shown.filter((other) => other !== id);
  order.splice(Math.max(0, Math.min(order.length, index)), 0, id);
  return { ...layout, order };
}

/** A stored panel with its id; null if it is automatic and unchanged, or unknown. */
export function findPanel(layout: Layout, panelId: string): Panel | null {
  for (const { panels } of layout.sections) {
    const found = panels.find(({ id }) => id === panelId);
    if (found) return found;
  }
  return layout.changed.find(({ id }) => id === panelId) ?? null;
}

/** Puts *next* where the panel of its id stands; an automatic one that is again as by itself is forgotten. */
export function replacePanel(layout: Layout, next: Panel): Layout {
  const owner = layout.sections.find(({ panels }) => panels.some(({ id }) => id === next.id));
  if (owner) {
    const panels = owner.panels.map((panel) => (panel.id === next.id ? next : panel));
    return editSection(layout, owner, { panels });
  }
  if (!isAutomatic(next.id)) return layout;
  const others = layout.changed.filter(({ id }) => id !== next.id);
  return { ...layout, changed: differs(next) ? [...others, next] : others };
}

/** Adds a panel to a section, first in it. */
export function addPanel(layout: Layout, section: Section, panel: Panel): Layout {
  return editSection(layout, section, { panels: [panel, ...section.panels], open: true, hidden: false });
}

/** Takes a panel away; that of a key is hidden and keeps its settings, one that was added is gone. */
export function removePanel(layout: Layout, panelId: string): Layout {
  const next = lift(layout, panelId);
  if (!isAutomatic(panelId)) return next.layout;
  return {
    ...next.layout,
    changed: next.panel ? keepChanges(next.layout.changed, [next.panel]) : next.layout.changed,
    hidden: [...next.layout.hidden.filter((key) => key !== panelId), panelId],
  };
}

/** Brings removed panels of keys back. */
export function showPanels(layout: Layout, keys: readonly string[]): Layout {
  const back = new Set(keys);
  return { ...layout, hidden: layout.hidden.filter((key) => !back.has(key)) };
}

/** The layout without a panel, and that panel. */
function lift(layout: Layout, panelId: string): { layout: Layout; panel: Panel | null } {
  const panel = findPanel(layout, panelId);
  if (!panel) return { layout, panel };
  const without = (panels: readonly Panel[]) => panels.filter(({ id }) => id !== panelId);
  const owner = layout.sections.find(({ panels }) => panels.includes(panel));
  const lifted = owner ? editSection(layout, owner, { panels: without(owner.panels) }) : layout;
  return { layout: { ...lifted, changed: without(lifted.changed) }, panel };
}

/**
 * Moves *panel* into a section, before the panel *before* (null = last).
 *
 * Places are kept from the first panel of a section to the last one that was moved; what is behind follows its keys.
 * *standing* are the panels of the target section as they stand now, first to last.
 */
export function movePanel(
  layout: Layout,
  panel: Panel,
  target: Section,
  standing: readonly Panel[],
  before: string | null,
): Layout {
  const others = standing.filter(({ id }) => id !== panel.id);
  const at = before === null ? others.length : others.findIndex(({ id }) => id === before);
  const index = at < 0 ? others.length : at;
  const lifted = lift(layout, panel.id).layout;
  const section = lifted.sections.find(({ id }) => id === target.id) ?? { ...target, panels: [] };
  const placed = Math.max(index, section.panels.length);
  const panels = others.slice(0, placed);
  panels.splice(index, 0, panel);
  const named = new Set(panels.map(({ id }) => id));
  return {
    ...editSection(lifted, section, { panels }),
    changed: lifted.changed.filter(({ id }) => !named.has(id)),
  };
}

/** Puts a copy of a panel right behind it. */
export function duplicatePanel(
  layout: Layout,
  copy: Panel,
  sourceId: string,
  target: Section,
  standing: readonly Panel[],
): Layout {
  const at = standing.findIndex(({ id }) => id === sourceId);
  return movePanel(layout, copy, target, standing, standing[at + 1]?.id ?? null);
}

/** *settings* with a change; undefined takes a value out. */
export function withSettings(
  settings: Settings,
  change: { readonly [name: string]: Json | undefined },
): Settings {
  const entries = Object.entries({ ...settings, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Settings;
}
