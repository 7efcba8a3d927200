import type { Settings } from "@/state/layout";
import { choiceSetting } from "../matrix/checks";
import { checkSample, SAMPLE_DEFAULTS, type SampleSettings } from "../matrix/sampleSettings";

export interface DistributionSettings extends SampleSettings {
  shape: "box" | "violin";
}

export const DEFAULTS: DistributionSettings = { ...SAMPLE_DEFAULTS, shape: "box" };

export function check(raw: Settings): Partial<DistributionSettings> {
  return { ...checkSample(raw), ...choiceSetting("shape", raw.shape, ["box", "violin"] as const) };
}
