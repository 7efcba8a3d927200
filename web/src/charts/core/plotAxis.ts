import { createScale, type Scale } from "./scale";
import { numberTicks, type Ticks, wallTicks } from "./ticks";

/** One direction of a chart of runs. */
export interface PlotAxis {
  label: string;
  kind: "number" | "category" | "time";
  log: boolean;
  /** One per run: the value, the index of its category, or unix seconds; NaN = no place on this axis. */
  values: Float64Array;
  /** Names in the order of their places; only of kind "category". */
  categories: readonly string[];
}

/** What a column must know to become an axis. */
export interface AxisSource {
  kind: "number" | "category" | "mixed" | "time";
  numbers: Float64Array;
  texts: readonly (string | null)[] | null;
}

/** A column as an axis: numbers and times stay, all else becomes categories in natural order. */
export function plotAxis(source: AxisSource, label: string, log: boolean): PlotAxis {
  if (source.texts === null) {
    const kind = source.kind === "time" ? "time" : "number";
    const logged = log && kind === "number";
    const values = source.numbers.map((value) =>
      Number.isFinite(value) && (!logged || value > 0) ? value : Number.NaN,
    );
    return { label, kind, log: logged, values, categories: [] };
  }
  const categories = [...new Set(source.texts.filter((text) => text !== null))].sort(natural.compare);
  const places = new Map(categories.map((text, index) => [text, index]));
  const values = Float64Array.from(source.texts, (text) =>
    text === null ? Number.NaN : (places.get(text) ?? Number.NaN),
  );
  return { label, kind: "category", log: false, values, categories };
}

const natural = new Intl.Collator("en", { numeric: true });

/** Lowest and highest value; null if there is none. */
export function axisExtent(axis: PlotAxis): [number, number] | null {
  if (axis.kind === "category") return axis.categories.length > 0 ? [0, axis.categories.length - 1] : null;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of axis.values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** The extent with room for marks at its ends. */
export function axisDomain(axis: PlotAxis, air = 0.05): [number, number] {
  const extent = axisExtent(axis);
  if (!extent) return axis.log ? [1, 10] : [0, 1];
  const [low, high] = extent;
  if (axis.kind === "category") return [low - 0.5, high + 0.5];
  if (axis.log) {
    const factor = high > low ? (high / low) ** air : 2;
    return [low / factor, high * factor];
  }
  const room = high > low ? (high - low) * air : Math.abs(low) * 0.1 || 1;
  return [low - room, high + room];
}

export function axisScale(
  axis: PlotAxis,
  domain: readonly [number, number],
  from: number,
  to: number,
): Scale {
  return createScale(domain, from, to, axis.log);
}

/** Letters that a category's name may take on an axis. */
const NAME_LETTERS = 14;

/** Ticks of any axis. *count* is how many have room. */
export function axisTicks(axis: PlotAxis, domain: readonly [number, number], count: number): Ticks {
  if (axis.kind === "time") return wallTicks(domain[0], domain[1], count);
  if (axis.kind === "number") return numberTicks(domain[0], domain[1], count, axis.log, null);
  const every = Math.max(1, Math.ceil(axis.categories.length / Math.max(1, count)));
  const values: number[] = [];
  const labels: string[] = [];
  axis.categories.forEach((name, index) => {
    if (index % every !== 0 || index < domain[0] || index > domain[1]) return;
    values.push(index);
    labels.push(shortName(name, NAME_LETTERS));
  });
  return { values, labels };
}

/** A name that keeps both ends when it is too long. */
export function shortName(name: string, letters: number): string {
  const all = [...name];
  if (all.length <= letters) return name;
  const tail = Math.floor((letters - 1) / 3);
  return `${all.slice(0, letters - 1 - tail).join("")}…${tail > 0 ? all.slice(-tail).join("") : ""}`;
}
