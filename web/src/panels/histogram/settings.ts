import type { Settings } from "@/state/layout";
import { checkSample, SAMPLE_DEFAULTS, type SampleSettings } from "../matrix/sampleSettings";

export interface HistogramSettings extends SampleSettings {
  /** Null = as many as the values ask for. */
  bins: number | null;
}

export const DEFAULTS: HistogramSettings = { ...SAMPLE_DEFAULTS, bins: null };
const BINS_LIMIT = 200;

export function check(raw: Settings): Partial<HistogramSettings> {
  const { bins } = raw;
  const valid = typeof bins === "number" && Number.isInteger(bins) && bins >= 1 && bins <= BINS_LIMIT;
  return { ...checkSample(raw), ...(valid ? { bins } : {}) };
}
