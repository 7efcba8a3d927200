export type ThemeName = "light" | "dark";

// 20 hues per theme, optimised together for normal, protan, deutan and tritan vision; slots are ordered
// so that the first n are far apart for every n. Contrast ≥ 2.97:1 on white, ≥ 4.2:1 on dark.
const LIGHT = [
  "#407bc5",
  "#bb4000",
  "#7fa125",
  "#7240c0",
  "#10a6ad",
  "#c14685",
  "#077900",
  "#cc7866",
  "#5b4c00",
  "#665ec1",
  "#2a92bb",
  "#883a52",
  "#a6694a",
  "#a32384",
  "#125b3a",
  "#035d90",
  "#a4515f",
  "#8d6aa0",
  "#127f78",
  "#5146a7",
];
const DARK = [
  "#79aff5",
  "#ed7b4f",
  "#b3d46e",
  "#a079ee",
  "#6ed9df",
  "#f480b6",
  "#56aa4e",
  "#ffae9c",
  "#897c41",
  "#9693f1",
  "#71c5ec",
  "#b96d82",
  "#d79d80",
  "#d664b4",
  "#4f8b69",
  "#4e8ebf",
  "#d68691",
  "#be9ed1",
  "#5fb0a9",
  "#7f7ad6",
];

/** After 20 hues the dash changes, so that 80 runs differ. */
const DASHES: readonly (readonly number[])[] = [[], [5, 3], [1.5, 2.5], [7, 3, 1.5, 3]];

/** Hues of a theme; more runs than that differ by their dashes. */
export const SLOTS = LIGHT.length;

/** Colour of a palette slot; a run's slot is its number, so it keeps its colour in every list and filter. */
export function slotColor(slot: number, theme: ThemeName): string {
  const hues = theme === "dark" ? DARK : LIGHT;
  return hues[wrap(slot, hues.length)] ?? "#888888";
}

/** Dash pattern of a slot in CSS pixels; empty = solid. */
export function slotDash(slot: number): readonly number[] {
  return DASHES[wrap(Math.floor(slot / LIGHT.length), DASHES.length)] ?? [];
}

/** The dash pattern of the nth of a few kinds. */
export function dashOf(index: number): readonly number[] {
  return DASHES[wrap(index, DASHES.length)] ?? [];
}

export const DASH_COUNT = DASHES.length;

function wrap(value: number, length: number): number {
  return ((Math.trunc(value) % length) + length) % length;
}

/** What a canvas needs of the theme; canvases cannot read CSS variables. */
export interface ChartTheme {
  name: ThemeName;
  surface: string;
  grid: string;
  axis: string;
  label: string;
  /** Text on the surface. */
  ink: string;
  cross: string;
  accent: string;
  live: string;
  bad: string;
  warn: string;
  /** Opacity of all other lines while one is highlighted. */
  dim: number;
  /** Opacity of single runs behind their group. */
  faint: number;
  font: string;
}

const FONT = '500 11px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

export const CHART_THEMES: Record<ThemeName, ChartTheme> = {
  light: {
    name: "light",
    surface: "#ffffff",
    grid: "#eff1f3",
    axis: "#d5dae0",
    label: "#6b7480",
    ink: "#15181c",
    cross: "#8a94a0",
    accent: "#0a6b4d",
    live: "#0f9466",
    bad: "#c8321f",
    warn: "#a65b00",
    dim: 0.18,
    faint: 0.26,
    font: FONT,
  },
  dark: {
    name: "dark",
    surface: "#17191e",
    grid: "#22262d",
    axis: "#3a404a",
    label: "#8b939f",
    ink: "#e9ebee",
    cross: "#8b939f",
    accent: "#3fbf8f",
    live: "#3fcf97",
    bad: "#ff7a66",
    warn: "#f0b155",
    dim: 0.26,
    faint: 0.3,
    font: FONT,
  },
};
