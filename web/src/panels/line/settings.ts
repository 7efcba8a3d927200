import type { KeyInfo } from "@/api/types";
import { isSmoothable } from "@/charts/core/ema";
import type { Axis } from "@/charts/core/model";
import type { Settings } from "@/state/layout";
import { CHART_SETTINGS, type ChartSettings, checkChart, DEFAULT_CHART } from "@/state/settings";

/** An end left to the data is null. */
export type OpenRange = readonly [number | null, number | null];

/** The settings of one line panel. What it shares with all charts is inherited from section and workspace. */
export interface LineSettings extends ChartSettings {
  /** Metrics and expressions ("=1 - val/acc"); empty for automatic panels, which show their key. */
  keys: readonly string[];
  /** All metrics whose name matches, besides those of `keys`; "" = none. */
  pattern: string;
  xRange: OpenRange;
  yRange: OpenRange;
  legend: "auto" | "show" | "hide";
}

const OPEN: OpenRange = [null, null];

export const DEFAULTS: LineSettings = {
  ...DEFAULT_CHART,
  keys: [],
  pattern: "",
  xRange: OPEN,
  yRange: OPEN,
  legend: "auto",
};

export const SHARED = CHART_SETTINGS;

/** Keys of one panel; more lines say less. */
export const KEY_LIMIT = 50;
const TEXT_LIMIT = 1_024;

/** The valid settings of *raw*. */
export function check(raw: Settings): Partial<LineSettings> {
  const { keys, pattern, legend } = raw;
  return {
    ...checkChart(raw),
    ...(Array.isArray(keys) && keys.every(isText) ? { keys: keys.slice(0, KEY_LIMIT) } : {}),
    ...(isText(pattern) ? { pattern } : {}),
    ...(legend === "auto" || legend === "show" || legend === "hide" ? { legend } : {}),
    ...(isRange(raw.xRange) ? { xRange: raw.xRange } : {}),
    ...(isRange(raw.yRange) ? { yRange: raw.yRange } : {}),
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_LIMIT;
}

function isRange(value: unknown): value is OpenRange {
  const isEnd = (end: unknown) => end === null || (typeof end === "number" && Number.isFinite(end));
  return Array.isArray(value) && value.length === 2 && value.every(isEnd);
}

export function isExpression(key: string): boolean {
  return key.startsWith("=");
}

/** What a panel is called by what it shows. */
export function name({ keys, pattern }: LineSettings, info: KeyInfo | null): string {
  if (info) return info.key;
  const parts = [...keys, ...(pattern ? [`/${pattern}/`] : [])];
  if (parts.length === 0) return "Line chart";
  return parts.length <= 3
    ? parts.join(", ")
    : `${parts.slice(0, 2).join(", ")} and ${parts.length - 2} more`;
}

export interface Shown {
  keys: readonly string[];
  /** Keys that the pattern found beyond what a panel shows. */
  left: number;
  /** The pattern is no regular expression. */
  broken: boolean;
}

/** The keys that a panel draws. */
export function shownKeys(
  { keys, pattern }: Pick<LineSettings, "keys" | "pattern">,
  info: KeyInfo | null,
  all: readonly KeyInfo[],
): Shown {
  if (info) return { keys: [info.key], left: 0, broken: false };
  if (!pattern) return { keys, left: 0, broken: false };
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, "i");
  } catch {
    return { keys, left: 0, broken: true };
  }
  const named = new Set(keys);
  const found = all
    .filter(({ key, kind, hidden }) => (kind === "number" || kind === "system") && !hidden && !named.has(key))
    .map(({ key }) => key)
    .filter((key) => expression.test(key));
  const room = Math.max(0, KEY_LIMIT - keys.length);
  return { keys: [...keys, ...found.slice(0, room)], left: Math.max(0, found.length - room), broken: false };
}

/** A machine's sensors have no steps: their charts are over time, whatever the workspace shows. */
export function axisOf(infos: readonly (KeyInfo | null)[], axis: Axis): Axis {
  if (infos.length > 0 && infos.every((info) => info?.kind === "system")) {
    return axis === "wall" ? "wall" : "relative";
  }
  // A metric that declared its own x (define_metric(step_metric=…)) is drawn over it by default.
  const own = infos[0]?.step_metric;
  if (axis === "step" && own && infos.every((info) => info?.step_metric === own)) return `metric:${own}`;
  return axis;
}

/** What the settings mean for these keys: a sensor is never smoothed, a wall clock has no logarithm. */
export function effective(
  settings: LineSettings,
  own: Partial<LineSettings>,
  infos: readonly (KeyInfo | null)[],
): LineSettings {
  const axis = own.axis ?? axisOf(infos, settings.axis);
  const system = infos.length > 0 && infos.every((info) => info?.kind === "system");
  const rough = infos.length > 0 && infos.every((info) => info !== null && !isSmoothable(info.key));
  return {
    ...settings,
    axis,
    xLog: settings.xLog && axis !== "wall",
    yLog: settings.yLog && (!system || own.yLog === true),
    smoothing: (system || rough) && own.smoothing === undefined ? 0 : settings.smoothing,
  };
}
