import type { ComponentType } from "react";
import type { KeyInfo } from "@/api/types";

export interface PanelProps {
  info: KeyInfo;
  /** Draws larger, with everything that has no room in the grid. */
  fullScreen: boolean;
}

/** A way to show a key. A new one is one folder: panels/<type>/panel.ts exporting `panel`. */
export interface PanelType {
  type: string;
  /** Whether this panel can show the key; the first type that can is used. */
  accepts(info: KeyInfo): boolean;
  /** Charts stand together, and media, which want more room, below them. */
  room: "chart" | "media";
  View: ComponentType<PanelProps>;
}

const modules = import.meta.glob<{ panel: PanelType }>("./*/panel.ts", { eager: true });
const types: readonly PanelType[] = Object.values(modules).map((module) => module.panel);

/** The panel type for a key; null for kinds that no panel shows yet. */
export function panelFor(info: KeyInfo): PanelType | null {
  return types.find((type) => type.accepts(info)) ?? null;
}
