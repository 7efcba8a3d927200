import { type Column, columnTitle } from "@/api/columns";
import type { Settings } from "@/state/layout";
import { choiceSetting, columnSetting, SWITCH } from "./checks";

/** What bars, boxes, violins and histograms have in common. */
export interface SampleSettings {
  /** Null = the main metric. */
  value: Column | null;
  /** Runs are gathered by this; null = not at all. */
  by: Column | null;
  log: boolean;
}

export const SAMPLE_DEFAULTS: SampleSettings = { value: null, by: null, log: false };

export function checkSample(raw: Settings): Partial<SampleSettings> {
  return {
    ...columnSetting("value", raw.value),
    ...columnSetting("by", raw.by),
    ...choiceSetting("log", raw.log, SWITCH),
  };
}

export function sampleName(kind: string): (settings: SampleSettings) => string {
  return ({ value, by }) => (value ? `${columnTitle(value)}${by ? ` by ${columnTitle(by)}` : ""}` : kind);
}
