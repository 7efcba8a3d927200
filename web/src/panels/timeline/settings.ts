import { type Column, columnTitle } from "@/api/columns";
import type { Settings } from "@/state/layout";
import { choiceSetting, columnSetting, SWITCH } from "../matrix/checks";

export interface TimelineSettings {
  /** Null = the main metric. */
  y: Column | null;
  color: Column | null;
  log: boolean;
  /** Mark where the level changed. */
  changes: boolean;
}

export const DEFAULTS: TimelineSettings = { y: null, color: null, log: false, changes: true };

export function check(raw: Settings): Partial<TimelineSettings> {
  return {
    ...columnSetting("y", raw.y),
    ...columnSetting("color", raw.color),
    ...choiceSetting("log", raw.log, SWITCH),
    ...choiceSetting("changes", raw.changes, SWITCH),
  };
}

export function name({ y }: TimelineSettings): string {
  return y ? `${columnTitle(y)} over time` : "Run history";
}
