import { type Column, columnTitle } from "@/api/columns";
import type { ImportanceMethod } from "@/api/statistics";
import type { Settings } from "@/state/layout";
import { choiceSetting, columnSetting } from "../matrix/checks";

export const METHODS: readonly (readonly [ImportanceMethod, string])[] = [
  ["auto", "chosen by the data"],
  ["fanova", "fANOVA"],
  ["ped_anova", "PED-ANOVA"],
  ["mdi", "decrease of impurity"],
  ["correlation", "correlation"],
];

export interface ImportanceSettings {
  /** A metric; null = the main one. */
  metric: Column | null;
  method: ImportanceMethod;
}

export const DEFAULTS: ImportanceSettings = { metric: null, method: "auto" };

export function check(raw: Settings): Partial<ImportanceSettings> {
  return {
    ...columnSetting("metric", raw.metric),
    ...choiceSetting(
      "method",
      raw.method,
      METHODS.map(([method]) => method),
    ),
  };
}

export function name({ metric }: ImportanceSettings): string {
  return metric ? `What decides about ${columnTitle(metric)}` : "Importance";
}
