import { type Column, columnTitle } from "@/api/columns";
import type { Settings } from "@/state/layout";
import { choiceSetting, columnSetting, DIRECTIONS } from "../matrix/checks";

export interface ScalarSettings {
  /** Null = the main metric. */
  value: Column | null;
  show: "best" | "newest" | "mean";
  /** What is good; null = what the metric declares. */
  best: "min" | "max" | null;
}

export const DEFAULTS: ScalarSettings = { value: null, show: "best", best: null };

export function check(raw: Settings): Partial<ScalarSettings> {
  return {
    ...columnSetting("value", raw.value),
    ...choiceSetting("show", raw.show, ["best", "newest", "mean"] as const),
    ...choiceSetting("best", raw.best, DIRECTIONS),
  };
}

export function name({ value, show }: ScalarSettings): string {
  return value ? `${show} ${columnTitle(value)}` : "Scalar";
}
