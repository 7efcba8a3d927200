import { formatDuration, formatNumber, trimExponent } from "@/ui/humanize";

/** Positions on an axis and what is written there. */
export interface Ticks {
  values: number[];
  labels: string[];
}

/** At most about *count* round values inside `[low, high]`, both included. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const step = roundStep((high - low) / Math.max(1, count));
  return multiples(low, high, step);
}

/** Powers of ten inside `[low, high]`, thinned over many decades, filled with 2 and 5 over few. */
export function logTicks(low: number, high: number, count = 5): number[] {
  if (!(low > 0) || !(high > low)) return low > 0 ? [low] : [];
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((last - first) / count));
  const inside = (value: number) => value >= low * (1 - 1e-12) && value <= high * (1 + 1e-12);
  const decades: number[] = [];
  for (let exponent = first; exponent <= last; exponent += every) {
    if (inside(power(exponent))) decades.push(power(exponent));
  }
  if (decades.length >= 3) return decades;
  const filled = new Set(decades);
  for (let exponent = first; exponent <= last; exponent++) {
    for (const factor of [1, 2, 5]) {
      const value = Number.parseFloat((factor * power(exponent)).toPrecision(12));
      if (inside(value)) filled.add(value);
    }
  }
  // Less than a factor of two is seen: the axis is nearly straight there, so round steps read better.
  if (filled.size < 2) return linearTicks(low, high, count).filter((value) => value > 0);
  return [...filled].sort((a, b) => a - b);
}

const SECOND_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
  432_000, 864_000, 2_592_000,
];

/** Round values of a length of time in seconds: 15 s, 5 min, 6 h, 2 d… */
export function durationTicks(low: number, high: number, count: number): number[] {
  return multiples(low, high, secondStep((high - low) / Math.max(1, count)));
}

/** Ticks for numbers, with one suffix for the whole axis so that 5k, 10k, 15k line up. */
export function numberTicks(
  low: number,
  high: number,
  count: number,
  log: boolean,
  unit: string | null,
): Ticks {
  const values = log ? logTicks(low, high, Math.max(2, count)) : linearTicks(low, high, count);
  const suffix = unit === "%" ? "%" : "";
  return { values, labels: values.map((value) => axisNumber(value, values, log) + suffix) };
}

export function relativeTicks(low: number, high: number, count: number): Ticks {
  const values = durationTicks(low, high, count);
  return { values, labels: values.map((value) => formatDuration(value)) };
}

/** Ticks of the local clock: the zone's offset is taken out first, so that days start at local midnight. */
export function wallTicks(low: number, high: number, count: number): Ticks {
  const offset = new Date(low * 1000).getTimezoneOffset() * 60;
  const step = secondStep((high - low) / Math.max(1, count));
  const values = multiples(low - offset, high - offset, step).map((value) => value + offset);
  const labels = values.map((value) => {
    const date = new Date(value * 1000);
    const midnight = date.getHours() === 0 && date.getMinutes() === 0;
    if (step >= 86_400 || (midnight && step >= 3600)) {
      return date.toLocaleDateString(undefined, { month: "short", day: "numeric" });
    }
    return date.toLocaleTimeString(undefined, {
      hour: "2-digit",
      minute: "2-digit",
      hour12: false,
      ...(step < 60 ? { second: "2-digit" } : {}),
    });
  });
  return { values, labels };
}

function axisNumber(value: number, all: readonly number[], log: boolean): string {
  if (value === 0) return "0";
  if (log) return Math.abs(value) < 1e-3 ? trimExponent(value) : formatNumber(value);
  const largest = Math.max(...all.map(Math.abs));
  const step = Math.abs((all[1] ?? 0) - (all[0] ?? 0)) || largest;
  // Neighbours must differ in what is written: 25.6612, 25.6614… and not four times 25.66.
  const digits = Math.min(12, Math.max(1, Math.ceil(Math.log10(largest / step)) + 2));
  const [divisor, suffix] =
    largest < 1e4 ? [1, ""] : largest >= 1e9 ? [1e9, "G"] : largest >= 1e6 ? [1e6, "M"] : [1e3, "k"];
  const rounded = Number.parseFloat((value / divisor).toPrecision(digits));
  if (Math.abs(rounded) < 1e-3 && largest < 1e-2) return trimExponent(rounded, digits - 1);
  if (largest >= 1e15) return trimExponent(value, digits - 1);
  return `${rounded}${suffix}`.replace("-", "−");
}

function roundStep(raw: number): number {
  if (!(raw > 0) || !Number.isFinite(raw)) return 0;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const ratio = raw / magnitude;
  return (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10) * magnitude;
}

function secondStep(raw: number): number {
  if (raw < 1) return roundStep(raw);
  const step = SECOND_STEPS.find((candidate) => candidate >= raw * 0.75);
  return step ?? 2_592_000 * Math.ceil(raw / 2_592_000);
}

function multiples(low: number, high: number, step: number): number[] {
  if (!(step > 0)) return Number.isFinite(low) ? [low] : [];
  const values: number[] = [];
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  for (let index = first; index <= last && values.length < 1000; index++) {
    // Multiplying, not adding, keeps 0.1 + 0.2 from becoming 0.30000000000000004 on the axis.
    values.push(Number.parseFloat((index * step).toPrecision(12)));
  }
  return values;
}

function power(exponent: number): number {
  return Number.parseFloat(`1e${exponent}`);
}
