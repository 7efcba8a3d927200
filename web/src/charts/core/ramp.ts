import type { ThemeName } from "./palette";

type Rgb = readonly [number, number, number];

// One direction of lightness per theme, away from the surface, so that nothing is where nothing is.
const STOPS: Record<ThemeName, readonly Rgb[]> = {
  light: [
    [237, 246, 242],
    [164, 217, 197],
    [70, 167, 148],
    [22, 108, 112],
    [18, 48, 72],
  ],
  dark: [
    [29, 40, 44],
    [26, 84, 90],
    [38, 142, 121],
    [122, 201, 130],
    [236, 240, 166],
  ],
};

/** Colour of *t* in 0..1 on the sequential scale. */
export function rampRgb(t: number, theme: ThemeName): Rgb {
  const stops = STOPS[theme];
  const at = Math.max(0, Math.min(1, t)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  const [low, high] = [stops[i] ?? [0, 0, 0], stops[i + 1] ?? [0, 0, 0]];
  const mix = (c: 0 | 1 | 2) => Math.round(low[c] + (high[c] - low[c]) * (at - i));
  return [mix(0), mix(1), mix(2)];
}

export function rampColor(t: number, theme: ThemeName): string {
  return `rgb(${rampRgb(t, theme).join(" ")})`;
}

/** Black or white, whichever is read better on a colour of the scale. */
export function inkOn(t: number, theme: ThemeName): string {
  const [r, g, b] = rampRgb(t, theme);
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#101418" : "#ffffff";
}
