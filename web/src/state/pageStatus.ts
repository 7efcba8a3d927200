import { create } from "zustand";
import type { LiveStatus } from "@/api/live";

/** What the open page tells the top bar. */
interface PageStatus {
  /** How news reach the open project; null on pages that follow no project. */
  status: LiveStatus | null;
  running: number;
  /** Name of the open run; null until it is loaded. */
  runName: string | null;
  /** Processes and lives of the open run, of which one alone is worth no page. */
  processes: number;
}

export const usePageStatus = create<PageStatus>(() => ({
  status: null,
  running: 0,
  runName: null,
  processes: 0,
}));
