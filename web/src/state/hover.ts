import type { Axis } from "@/charts/core/model";

/** What the pointer means right now: a line, and a place on an axis. */
export interface Hover {
  /** Run key or group id; null = none. */
  id: string | null;
  /** Where the crosshair stands; charts on another axis do not show it. */
  cursor: { axis: Axis; x: number } | null;
}

type Listener = (hover: Hover) => void;

const NOTHING: Hover = { id: null, cursor: null };

let current = NOTHING;
const listeners = new Set<Listener>();

/**
 * Says what is hovered. Charts and rows listen directly and not through React: a pointer moves 60 times
 * a second, and a render of the page takes longer than a frame.
 */
export function setHover(hover: Hover): void {
  if (hover.id === current.id && hover.cursor === null && current.cursor === null) return;
  current = hover;
  for (const listener of listeners) listener(hover);
}

export function clearHover(): void {
  setHover(NOTHING);
}

export function getHover(): Hover {
  return current;
}

export function subscribeHover(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
