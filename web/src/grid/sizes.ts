import type { PanelSize } from "@/state/layout";

type Room = "chart" | "media";

/** Narrowest columns of a section in pixels, by size of its panels. */
const COLUMN_PX: Record<Room, Record<PanelSize, number>> = {
  chart: { s: 228, m: 296, l: 520 },
  media: { s: 296, m: 420, l: 640 },
};

export const GAP_PX: Record<PanelSize, number> = { s: 10, m: 12, l: 12 };

/** Columns that fit into *width* pixels; at least one. */
export function columnsOf(width: number, size: PanelSize, room: Room): number {
  const gap = GAP_PX[size];
  return Math.max(1, Math.floor((width + gap) / (COLUMN_PX[room][size] + gap)));
}
