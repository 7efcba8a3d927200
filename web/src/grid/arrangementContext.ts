import { createContext, useContext } from "react";
import { create } from "zustand";
import { type Arranged, type Arrangement, panelOf } from "@/state/arrangement";
import type { Panel } from "@/state/layout";

/** Gives the arrangement as it stands, for what happens on a click: nothing renders again when it changes. */
export type ReadArrangement = () => Arrangement;

export const ArrangementContext = createContext<ReadArrangement>(() => ({ sections: [], removed: [] }));

export function useArrangement(): ReadArrangement {
  return useContext(ArrangementContext);
}

export function sectionById(arrangement: Arrangement, id: string): Arranged | null {
  return arrangement.sections.find(({ section }) => section.id === id) ?? null;
}

export function sectionOf(arrangement: Arrangement, panelId: string): Arranged | null {
  return arrangement.sections.find(({ entries }) => entries.some(({ id }) => id === panelId)) ?? null;
}

export function panelsOf({ entries }: Arranged): Panel[] {
  return entries.map(panelOf);
}

interface GridUi {
  /** The panel whose settings are open. */
  settingsOf: string | null;
  /** Where a new panel would go, while it is being chosen; null = nothing is being added. */
  addingTo: string | null;
}

/** The section id that stands for "the first one, or a new one". */
export const ANY_SECTION = "";

export const useGridUi = create<GridUi>(() => ({ settingsOf: null, addingTo: null }));
