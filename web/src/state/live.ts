import { create } from "zustand";
import type { LiveStatus } from "@/api/live";

/** How news reach the open project; null on pages that follow no project. */
export const useLiveStatus = create<{ status: LiveStatus | null; running: number }>(() => ({
  status: null,
  running: 0,
}));
