const MINUS = "−";

/** A number for people: four digits, k/M/G above 10,000, powers of ten below 0.001. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "∞";
  if (value === Number.NEGATIVE_INFINITY) return `${MINUS}∞`;
  const size = Math.abs(value);
  if (size === 0) return "0";
  let text: string;
  if (size >= 1e15) text = trimExponent(value);
  else if (size >= 1e9) text = `${significant(value / 1e9)}G`;
  else if (size >= 1e6) text = `${significant(value / 1e6)}M`;
  else if (size >= 1e4) text = `${significant(value / 1e3)}k`;
  else if (size < 1e-3) text = trimExponent(value);
  else text = significant(value);
  return text.replace("-", MINUS);
}

/** A number with its unit. "%" is glued on as it is: the value is never multiplied behind the user's back. */
export function formatValue(value: number, unit: string | null): string {
  const text = formatNumber(value);
  if (!unit) return text;
  return unit === "%" ? `${text}%` : `${text} ${unit}`;
}

/** 1.2e−5 instead of 1.2000e-5. */
export function trimExponent(value: number, decimals = 2): string {
  return value
    .toExponential(decimals)
    .replace(/\.?0+e/, "e")
    .replace("e+", "e")
    .replace(/-/g, MINUS);
}

/** A mean with its deviation, both to the second digit of the deviation: "80.92 ± 0.31". */
export function formatSpread(mean: number, deviation: number): { mean: string; deviation: string | null } {
  if (!(deviation > 0) || !Number.isFinite(deviation)) return { mean: formatNumber(mean), deviation: null };
  const size = Math.max(Math.abs(mean), deviation);
  if (size >= 1e4 || size < 1e-3) {
    return { mean: formatNumber(mean), deviation: formatNumber(Number.parseFloat(deviation.toPrecision(2))) };
  }
  const decimals = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(deviation))));
  return { mean: mean.toFixed(decimals).replace("-", MINUS), deviation: deviation.toFixed(decimals) };
}

/** Every digit, for places where the exact value is asked for (tables, config). */
export function formatExact(value: number): string {
  return String(value);
}

/** 1,284. */
export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

/** A length of time in seconds: 45s, 12m, 1h 30m, 2d 4h. Below ten seconds with a decimal. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const sign = seconds < 0 ? MINUS : "";
  const size = Math.abs(seconds);
  if (size < 10) return `${sign}${Number.parseFloat(size.toPrecision(2))}s`;
  const whole = Math.round(size);
  if (whole < 60) return `${sign}${whole}s`;
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor((whole % 86_400) / 3600), "h"],
    [Math.floor((whole % 3600) / 60), "m"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return sign + shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}

/** How long ago, in one unit: now, 4m, 3h, 2d. *then* and *now* in milliseconds. */
export function formatAge(then: number, now: number): string {
  const seconds = Math.max(0, (now - then) / 1000);
  if (seconds < 45) return "now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))}m`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** A date and time in the reader's zone. *at* in milliseconds. */
export function formatMoment(at: number): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium", hour12: false });
}

/** A day in the reader's zone. *at* in milliseconds. */
export function formatDay(at: number): string {
  return new Date(at).toLocaleDateString(undefined, { dateStyle: "medium" });
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function formatBytes(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number.parseFloat((bytes / 1024 ** power).toPrecision(3))} ${BYTE_UNITS[power] ?? "B"}`;
}

function significant(value: number): string {
  return String(Number.parseFloat(value.toPrecision(4)));
}
