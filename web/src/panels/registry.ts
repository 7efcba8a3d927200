import type { ComponentType } from "react";
import type { KeyInfo } from "@/api/types";
import type { Panel, Settings } from "@/state/layout";

/** A change of settings: undefined takes a value back to what is inherited. */
export type Change<S> = { readonly [Name in keyof S]?: S[Name] | undefined };

export interface PanelProps<S extends object = Settings> {
  panel: Panel;
  /** The key of an automatic panel; null for panels that somebody added. */
  info: KeyInfo | null;
  /** All settings: the type's defaults, what workspace and section say of the shared ones, the panel's own. */
  settings: S;
  /** Changes the panel's own settings; one step of undo. */
  onChange(change: Change<S>): void;
  /** Draws larger, with everything that has no room in the grid. */
  fullScreen: boolean;
}

export interface SettingsProps<S extends object = Settings> extends PanelProps<S> {
  /** The panel's own settings alone: what is in here is overridden, the rest is inherited. */
  own: Partial<S>;
  /** What each setting would be without the panel's own. */
  inherited: S;
  /** All keys of the project, to choose from. */
  keys: readonly KeyInfo[];
}

/** How people make a panel of this type with "Add panel". */
export interface Recipe<S extends object = Settings> {
  /** One sentence: what one sees in it. */
  about: string;
  /** How many keys it is made of; none = it is made at once and set up in its settings. */
  keys: "none" | "one" | "many";
  /** Which keys can be chosen; absent = numbers and system metrics. */
  accepts?(info: KeyInfo): boolean;
  settings(keys: readonly string[]): Partial<S>;
}

/** A kind of panel. A new one is one folder: panels/<type>/panel.ts exporting `panel = definePanel({…})`. */
export interface PanelType<S extends object = Settings> {
  /** Its name in views; never changes. */
  type: string;
  /** Its name for people. */
  title: string;
  icon: ComponentType<{ size?: number }>;
  /** Whether a key gets a panel of this type by itself; the first type that says so is used. */
  automatic?(info: KeyInfo): boolean;
  recipe?: Recipe<S>;
  defaults: S;
  /** Settings that workspace and section decide where the panel does not, by name. */
  shared?: readonly (keyof S & string)[];
  /** What of *raw*, from a link or file that anybody may have written, are valid settings; the rest is left out. Never throws. */
  check(raw: Settings): Partial<S>;
  /** What the panel is called while it has no title of its own. */
  name(settings: S, info: KeyInfo | null): string;
  /** Charts stand together, and media, which want more room, below them. */
  room: "chart" | "media";
  /** Columns and rows of a new panel; absent = one each. */
  span?: Panel["span"];
  /** Draws `<PanelFrame>…</PanelFrame>`. Load it lazily. */
  View: ComponentType<PanelProps<S>>;
  /** Rows of the settings popover, below the title. Load it lazily. */
  Settings?: ComponentType<SettingsProps<S>>;
}

/** Types a panel with its own settings; the registry holds them as plain JSON that has been checked. */
export function definePanel<S extends object>(type: PanelType<S>): PanelType {
  return type as unknown as PanelType;
}

const modules = import.meta.glob<{ panel: PanelType }>("./*/panel.ts", { eager: true });
export const panelTypes: readonly PanelType[] = Object.values(modules).map((module) => module.panel);

/** The panel type that a key has by itself; null for kinds that no panel shows yet. */
export function panelFor(info: KeyInfo): PanelType | null {
  return panelTypes.find((type) => type.automatic?.(info)) ?? null;
}

/** A panel type by its name; null if this version does not know it. */
export function panelType(name: string): PanelType | null {
  return panelTypes.find(({ type }) => type === name) ?? null;
}
