// Layouts out of links, files and saved views, which anybody may have written.

import {
  AUTOMATIC,
  automaticSection,
  isAutomatic,
  type Json,
  type Layout,
  ONE_CELL,
  type Panel,
  type PanelSize,
  type Section,
  type Settings,
  SPAN_LIMIT,
  type Span,
} from "./layout";

// A layout is kept in memory and searched on every edit; more than this is no dashboard.
const SECTION_LIMIT = 1_000;
const PANEL_LIMIT = 20_000;
const HIDDEN_LIMIT = 100_000;
const TEXT_LIMIT = 1_024;

type Fields = { readonly [name: string]: unknown };

/** The layout that *raw* describes; what is not valid in it is left out. Never throws. */
export function readLayout(raw: unknown): Layout {
  if (!isFields(raw)) return AUTOMATIC;
  const taken = new Set<string>();
  const sections = listOf(raw.sections, SECTION_LIMIT).flatMap(
    (section) => readSection(section, taken) ?? [],
  );
  return {
    sections,
    changed: listOf(raw.changed, PANEL_LIMIT)
      .flatMap((panel) => readPanel(panel, taken) ?? [])
      .filter(({ id }) => isAutomatic(id)),
    hidden: [...new Set(listOf(raw.hidden, HIDDEN_LIMIT).filter(isText))],
    order: [...new Set(listOf(raw.order, SECTION_LIMIT).filter(isText))],
  };
}

function readSection(raw: unknown, taken: Set<string>): Section | null {
  if (!isFields(raw)) return null;
  const auto = isText(raw.auto) ? raw.auto : null;
  const plain = automaticSection(auto ?? "");
  const id = auto === null ? uniqueId(raw.id, taken) : plain.id;
  if (auto !== null && taken.has(id)) return null;
  taken.add(id);
  const name = isText(raw.name) && raw.name ? raw.name : auto === null ? "Section" : plain.name;
  return {
    id,
    name,
    open: raw.open !== false,
    auto,
    size: isSize(raw.size) ? raw.size : null,
    settings: readSettings(raw.settings),
    panels: listOf(raw.panels, PANEL_LIMIT).flatMap((panel) => readPanel(panel, taken) ?? []),
    hidden: raw.hidden === true,
  };
}

function readPanel(raw: unknown, taken: Set<string>): Panel | null {
  if (!isFields(raw) || !isText(raw.type) || !raw.type) return null;
  const id = isText(raw.id) && raw.id && isAutomatic(raw.id) ? raw.id : uniqueId(raw.id, taken);
  if (taken.has(`panel ${id}`)) return null;
  taken.add(`panel ${id}`);
  taken.add(id);
  return {
    id,
    type: raw.type,
    ...(isText(raw.title) && raw.title ? { title: raw.title } : {}),
    ...(isFields(raw.span) ? { span: readSpan(raw.span) } : {}),
    settings: readSettings(raw.settings),
  };
}

/** The id of something that was added: as it says, or the next free one for who wrote none. */
function uniqueId(raw: unknown, taken: ReadonlySet<string>): string {
  if (isText(raw) && !isAutomatic(raw) && raw.length > 1 && !taken.has(raw)) return raw;
  let n = taken.size + 1;
  while (taken.has(`+${n}`)) n++;
  return `+${n}`;
}

function readSpan({ w, h }: Fields): Span {
  return { w: cells(w), h: cells(h) };
}

function cells(value: unknown): number {
  return Number.isInteger(value) ? Math.max(1, Math.min(SPAN_LIMIT, value as number)) : ONE_CELL.w;
}

/** Settings as they are; the type of the panel checks their meaning. */
export function readSettings(raw: unknown): Settings {
  return isFields(raw) ? (raw as { [name: string]: Json }) : {};
}

function listOf(raw: unknown, limit: number): readonly unknown[] {
  return Array.isArray(raw) ? raw.slice(0, limit) : [];
}

export function isFields(raw: unknown): raw is Fields {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}

function isText(raw: unknown): raw is string {
  return typeof raw === "string" && raw.length <= TEXT_LIMIT;
}

export function isSize(raw: unknown): raw is PanelSize {
  return raw === "s" || raw === "m" || raw === "l";
}

/** A section or panel with what is at its default left out: views are read by people, and links are short. */
function brief(section: Section): Fields {
  const { id, name, open, auto, size, settings, panels, hidden } = section;
  const plain = automaticSection(auto ?? "");
  return {
    ...(auto === null ? { id } : { auto }),
    ...(auto === null || name !== plain.name ? { name } : {}),
    ...(open ? {} : { open }),
    ...(size ? { size } : {}),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
    ...(panels.length > 0 ? { panels: panels.map(briefPanel) } : {}),
    ...(hidden ? { hidden } : {}),
  };
}

function briefPanel({ settings, ...panel }: Panel): Fields {
  return Object.keys(settings).length > 0 ? { ...panel, settings } : panel;
}

/** The inverse of `readLayout`. */
export function writeLayout(layout: Layout): Fields {
  return {
    ...(layout.sections.length > 0 ? { sections: layout.sections.map(brief) } : {}),
    ...(layout.changed.length > 0 ? { changed: layout.changed.map(briefPanel) } : {}),
    ...(layout.hidden.length > 0 ? { hidden: layout.hidden } : {}),
    ...(layout.order.length > 0 ? { order: layout.order } : {}),
  };
}

/** What of *layout* differs from *base*, for a link that names the base; null = nothing. */
export function layoutChanges(base: Layout, layout: Layout): Fields | null {
  const before = new Map(base.sections.map((section) => [section.id, JSON.stringify(section)]));
  const sections = layout.sections.filter((section) => before.get(section.id) !== JSON.stringify(section));
  const kept = new Set(layout.sections.map(({ id }) => id));
  const dropped = base.sections.map(({ id }) => id).filter((id) => !kept.has(id));
  const differs = (name: "changed" | "hidden" | "order") =>
    JSON.stringify(base[name]) !== JSON.stringify(layout[name]);
  const written = {
    ...(sections.length > 0 ? { sections: sections.map(brief) } : {}),
    ...(dropped.length > 0 ? { dropped } : {}),
    ...(differs("changed") ? { changed: layout.changed.map(briefPanel) } : {}),
    ...(differs("hidden") ? { hidden: layout.hidden } : {}),
    ...(differs("order") ? { order: layout.order } : {}),
  };
  return Object.keys(written).length > 0 ? written : null;
}

/** The inverse of `layoutChanges`. */
export function applyLayoutChanges(base: Layout, raw: unknown): Layout {
  if (!isFields(raw)) return base;
  const change = readLayout(raw);
  const changes = new Map(change.sections.map((section) => [section.id, section]));
  const dropped = new Set(listOf(raw.dropped, SECTION_LIMIT));
  const known = new Set(base.sections.map(({ id }) => id));
  return {
    sections: [
      ...base.sections
        .filter(({ id }) => !dropped.has(id))
        .map((section) => changes.get(section.id) ?? section),
      ...change.sections.filter(({ id }) => !known.has(id)),
    ],
    changed: "changed" in raw ? change.changed : base.changed,
    hidden: "hidden" in raw ? change.hidden : base.hidden,
    order: "order" in raw ? change.order : base.order,
  };
}
