import { type Column, decodeColumn, encodeColumn } from "@/api/columns";
import type { Axis } from "@/charts/core/model";
import type { SmoothingKind } from "@/charts/core/smoothing";
import type { Json, Settings } from "./layout";

export type Center = "mean" | "median" | "iqm";
export type Spread = "std" | "stderr" | "minmax" | "iqr" | "ci" | "none";

/** What is drawn of a run that several ranks write: the line of rank 0, or lowest, mean and highest over all. */
export type Ranks = "main" | "band";

export const RANKS: readonly Ranks[] = ["main", "band"];
export const SMOOTHING_KINDS: readonly SmoothingKind[] = ["time", "ema", "gaussian", "average"];
export const CENTERS: readonly Center[] = ["mean", "median", "iqm"];
export const SPREADS: readonly Spread[] = ["std", "stderr", "minmax", "iqr", "ci", "none"];

/** What charts of lines share: the workspace says it for all, a section for its own, a panel for itself. */
export interface ChartSettings {
  axis: Axis;
  xLog: boolean;
  yLog: boolean;
  /** 0 (none) … 0.999. */
  smoothing: number;
  smoothingKind: SmoothingKind;
  /** Lowest and highest value behind each drawn point of a run. */
  band: boolean;
  /** Show every point instead of leaving diverged lines out of the range. */
  fit: boolean;
  /** The line of a group. */
  center: Center;
  /** The band of a group. */
  spread: Spread;
  /** Confidence of the interval of `spread` "ci", 0.5 … 0.999. */
  confidence: number;
  /** The runs of a group faint behind it. */
  faint: boolean;
  ranks: Ranks;
  /** Lines coloured by a value of their run, as a short column; null = each its own colour. */
  colorBy: readonly Json[] | null;
  /** Line style by a value of their run. */
  dashBy: readonly Json[] | null;
}

export const DEFAULT_CHART: ChartSettings = {
  axis: "step",
  xLog: false,
  yLog: false,
  smoothing: 0,
  smoothingKind: "time",
  band: true,
  fit: false,
  center: "mean",
  spread: "std",
  confidence: 0.95,
  faint: false,
  ranks: "main",
  colorBy: null,
  dashBy: null,
};

export const CHART_SETTINGS = Object.keys(DEFAULT_CHART) as readonly (keyof ChartSettings)[];

export function isMetricAxis(text: string): text is `metric:${string}` {
  return text.startsWith("metric:") && text.length > "metric:".length;
}

export function readAxis(value: unknown): Axis | null {
  if (value === "step" || value === "relative" || value === "wall") return value;
  return typeof value === "string" && isMetricAxis(value) ? value : null;
}

const isBoolean = (value: unknown) => typeof value === "boolean";
const isBetween = (low: number, high: number) => (value: unknown) =>
  typeof value === "number" && value >= low && value <= high;
const isOneOf = (words: readonly unknown[]) => (value: unknown) => words.includes(value);
const isColumn = (value: unknown) => value === null || decodeColumn(value) !== null;

const VALID: { [Name in keyof ChartSettings]: (value: unknown) => boolean } = {
  axis: (value) => readAxis(value) !== null,
  xLog: isBoolean,
  yLog: isBoolean,
  smoothing: isBetween(0, 0.999),
  smoothingKind: isOneOf(SMOOTHING_KINDS),
  band: isBoolean,
  fit: isBoolean,
  center: isOneOf(CENTERS),
  spread: isOneOf(SPREADS),
  confidence: isBetween(0.5, 0.999),
  faint: isBoolean,
  ranks: isOneOf(RANKS),
  colorBy: isColumn,
  dashBy: isColumn,
};

/** The valid chart settings of *raw*; all else is left out. */
export function checkChart(raw: Settings): Partial<ChartSettings> {
  const valid = CHART_SETTINGS.filter((name) => name in raw && VALID[name](raw[name]));
  return Object.fromEntries(valid.map((name) => [name, raw[name]])) as Partial<ChartSettings>;
}

/** A setting that names a column; null if it names none. */
export function columnOf(setting: readonly Json[] | null): Column | null {
  return setting === null ? null : decodeColumn(setting);
}

export function columnSetting(column: Column | null): readonly Json[] | null {
  return column === null ? null : encodeColumn(column);
}
