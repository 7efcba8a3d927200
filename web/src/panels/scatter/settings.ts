import { type Column, columnTitle } from "@/api/columns";
import type { Settings } from "@/state/layout";
import { choiceSetting, columnSetting, DIRECTIONS, SWITCH } from "../matrix/checks";

/** The settings of one scatter plot. Null columns of x and y are chosen by what varies most. */
export interface ScatterSettings {
  x: Column | null;
  y: Column | null;
  /** Null = the colours that runs have everywhere. */
  color: Column | null;
  size: Column | null;
  xLog: boolean;
  yLog: boolean;
  front: "none" | "pareto" | "best";
  /** What is good, for the front; null = what the metric declares. */
  xBest: "min" | "max" | null;
  yBest: "min" | "max" | null;
}

export const DEFAULTS: ScatterSettings = {
  x: null,
  y: null,
  color: null,
  size: null,
  xLog: false,
  yLog: false,
  front: "none",
  xBest: null,
  yBest: null,
};

export function check(raw: Settings): Partial<ScatterSettings> {
  return {
    ...columnSetting("x", raw.x),
    ...columnSetting("y", raw.y),
    ...columnSetting("color", raw.color),
    ...columnSetting("size", raw.size),
    ...choiceSetting("xLog", raw.xLog, SWITCH),
    ...choiceSetting("yLog", raw.yLog, SWITCH),
    ...choiceSetting("front", raw.front, ["none", "pareto", "best"] as const),
    ...choiceSetting("xBest", raw.xBest, DIRECTIONS),
    ...choiceSetting("yBest", raw.yBest, DIRECTIONS),
  };
}

export function name({ x, y }: ScatterSettings): string {
  return x && y ? `${columnTitle(y)} over ${columnTitle(x)}` : "Scatter";
}
