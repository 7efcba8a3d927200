import type { MatrixColumn } from "@/api/matrix";
import { slotColor, type ThemeName } from "@/charts/core/palette";
import { rampColor } from "@/charts/core/ramp";
import type { Stage } from "./stage";

/** How runs are coloured, and what that says. */
export interface Coloring {
  colors: readonly string[];
  /** A scale of numbers. */
  ramp: { low: number; high: number; log: boolean } | null;
  /** Names of categories. */
  names: readonly { name: string; color: string }[];
}

/** The light end of the ramp is nearly the surface: points begin further in. */
const RAMP_FROM = 0.22;
/** Steps of the ramp; points of one colour are drawn in one go. */
const RAMP_STEPS = 24;
/** A scale over more than these factors is logarithmic. */
const LOG_FACTOR = 200;
const GREY: Record<ThemeName, string> = { light: "#b6bec8", dark: "#4b525e" };

/** Runs by a column: numbers on a ramp, categories by hue, those without a value grey. By run where it is null. */
export function colorRuns(stage: Stage, column: MatrixColumn | undefined, theme: ThemeName): Coloring {
  if (!column) {
    return { colors: stage.slots.map((slot) => slotColor(slot, theme)), ramp: null, names: [] };
  }
  if (column.texts) return byCategory(column.texts, theme);
  const finite = column.numbers.filter(Number.isFinite);
  if (finite.length === 0) return { colors: stage.runs.map(() => GREY[theme]), ramp: null, names: [] };
  const low = finite.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = finite.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const log = low > 0 && high / low > LOG_FACTOR;
  const place = log ? Math.log10 : (value: number) => value;
  const span = place(high) - place(low) || 1;
  const colors = Array.from(column.numbers, (value) =>
    Number.isFinite(value) ? rampStep((place(value) - place(low)) / span, theme) : GREY[theme],
  );
  return { colors, ramp: { low, high, log }, names: [] };
}

/** Colour of *t* in 0..1, in steps. */
export function rampStep(t: number, theme: ThemeName): string {
  const step = Math.round(t * (RAMP_STEPS - 1)) / (RAMP_STEPS - 1);
  return rampColor(RAMP_FROM + step * (1 - RAMP_FROM), theme);
}

const natural = new Intl.Collator("en", { numeric: true });

function byCategory(texts: readonly (string | null)[], theme: ThemeName): Coloring {
  const names = [...new Set(texts.filter((text) => text !== null))].sort(natural.compare);
  const colors = new Map(names.map((name, slot) => [name, slotColor(slot, theme)]));
  return {
    colors: texts.map((text) => (text === null ? GREY[theme] : (colors.get(text) ?? GREY[theme]))),
    ramp: null,
    names: names.map((name) => ({ name, color: colors.get(name) ?? GREY[theme] })),
  };
}
