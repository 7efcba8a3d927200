import { create } from "zustand";
import type { SavedView } from "@/api/views";
import { isSameView, readSpec } from "./spec";
import { DEFAULT_VIEW, openView, useViewStore, type View } from "./view";
import { decodeDifference, encodeDifference, type Params, SAVED_PARAM } from "./viewUrl";

/** The name that stands in an address for the view without any saved one. */
export const AUTOMATIC_VIEW = "automatic";

/** What the open view began from. */
interface Origin {
  /** null = the automatic view. */
  saved: SavedView | null;
  /** That view as it is saved. */
  base: View;
  /** It is what the project opens with, and needs no name in the address. */
  first: boolean;
  /** Why the saved view that the address names is not here. */
  trouble: string | null;
}

const AUTOMATIC_ORIGIN: Origin = { saved: null, base: DEFAULT_VIEW, first: true, trouble: null };

export const useOrigin = create<Origin>(() => AUTOMATIC_ORIGIN);

/** The origin that a saved view is; a spec that cannot be read is said so and leaves the automatic view. */
export function originOf(saved: SavedView | null, first: boolean): Origin {
  if (!saved) return { ...AUTOMATIC_ORIGIN, first };
  try {
    return { saved, base: readSpec(saved.spec), first, trouble: null };
  } catch (cause) {
    const trouble = `“${saved.name}”: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { saved: null, base: DEFAULT_VIEW, first: false, trouble };
  }
}

/** Opens the view of an address, which may name a saved one as *origin* and how it differs from it. */
export function openAddress(params: Params, origin: Origin = AUTOMATIC_ORIGIN): void {
  const { [SAVED_PARAM]: _, ...differences } = params;
  useOrigin.setState(origin, true);
  openView(decodeDifference(origin.base, differences));
}

/** Opens a saved view as it is. */
export function openSaved(origin: Origin): void {
  useOrigin.setState(origin, true);
  openView(origin.base);
}

/** The address of the open view. */
export function currentAddress(): Record<string, string> {
  const { saved, base, first } = useOrigin.getState();
  const differences = encodeDifference(base, useViewStore.getState().view);
  if (first) return differences;
  return { [SAVED_PARAM]: saved?.id ?? AUTOMATIC_VIEW, ...differences };
}

/** Takes note that the open view was saved, as what the server now has. */
export function keepSaved(saved: SavedView): void {
  const { first } = useOrigin.getState();
  const same = useOrigin.getState().saved?.id === saved.id;
  useOrigin.setState(originOf(saved, same && first), true);
}

/** Whether the open view differs from what is saved. */
export function useUnsaved(): boolean {
  const base = useOrigin((origin) => origin.base);
  return useViewStore((store) => store.view !== base && !isSameView(store.view, base));
}
