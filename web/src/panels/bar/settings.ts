import type { Settings } from "@/state/layout";
import { choiceSetting } from "../matrix/checks";
import { checkSample, SAMPLE_DEFAULTS, type SampleSettings } from "../matrix/sampleSettings";

export interface BarSettings extends SampleSettings {
  order: "high" | "low" | "name";
}

export const DEFAULTS: BarSettings = { ...SAMPLE_DEFAULTS, order: "high" };

export function check(raw: Settings): Partial<BarSettings> {
  return { ...checkSample(raw), ...choiceSetting("order", raw.order, ["high", "low", "name"] as const) };
}
