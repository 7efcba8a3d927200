import type { Goal, GroupComparison } from "@/api/statistics";
import { parseNumber, type WireNumber } from "@/api/types";
import { formatCount, formatNumber } from "@/ui/humanize";

/** What a comparison of two groups says, in sentences. */
export interface Verdict {
  /** The one thing to take away. */
  headline: string;
  /** How sure that is: told apart, not told apart, or not decidable. */
  certainty: "clear" | "unclear" | "unknown";
  sentences: readonly string[];
}

/** Below this a difference is commonly called told apart. */
const ALPHA = 0.05;

/** The sizes of Cohen (1988), as people use them for standardised differences. */
function sizeWord(effect: number): string {
  const size = Math.abs(effect);
  if (size < 0.2) return "negligible";
  if (size < 0.5) return "small";
  return size < 0.8 ? "medium" : "large";
}

export function verdictOf(
  found: GroupComparison,
  metric: string,
  names: readonly [string, string],
  goal: Goal | null,
  confidence: number,
): Verdict {
  const difference = parseNumber(found.difference);
  const p = parseNumber(found.p);
  const interval = range(found.ci);
  const percent = Math.round(confidence * 100);
  if (difference === null || Number.isNaN(difference)) {
    return {
      headline: "There is nothing to compare: one side has no value.",
      certainty: "unknown",
      sentences: found.warnings,
    };
  }
  const certainty = p === null || Number.isNaN(p) ? "unknown" : p < ALPHA ? "clear" : "unclear";
  const higher = difference >= 0 ? names[0] : names[1];
  const lower = difference >= 0 ? names[1] : names[0];
  const better = goal === null ? null : goal === "max" ? higher : lower;
  const by = formatNumber(Math.abs(difference));
  const headline =
    certainty === "clear"
      ? better
        ? `${better} is better: ${metric} differs by ${by}.`
        : `${higher} is higher by ${by}.`
      : certainty === "unclear"
        ? `These runs do not tell the two apart: the difference of ${by} may be chance.`
        : `${higher} is higher by ${by}; whether that is chance cannot be said from these runs.`;
  const sentences = [
    interval
      ? `${percent} % interval of the difference (first minus second): ${interval}.${crossesZero(found.ci) ? " It includes zero." : ""}`
      : "",
    testSentence(found, p),
    effectSentence(found),
    superioritySentence(found, names),
    found.more_runs?.note ?? "",
    ...found.warnings,
  ].filter(Boolean);
  return { headline, certainty, sentences };
}

function range(ci: GroupComparison["ci"]): string | null {
  if (!ci) return null;
  const [low, high] = [parseNumber(ci[0]), parseNumber(ci[1])];
  return low === null || high === null ? null : `${formatNumber(low)} to ${formatNumber(high)}`;
}

function crossesZero(ci: readonly [WireNumber, WireNumber] | null): boolean {
  const [low, high] = [parseNumber(ci?.[0]), parseNumber(ci?.[1])];
  return low !== null && high !== null && low <= 0 && high >= 0;
}

function testSentence({ test, t, df, n }: GroupComparison, p: number | null): string {
  const counts = `n = ${formatCount(n[0])} and ${formatCount(n[1])}`;
  if (test === null || p === null) {
    return Math.min(...n) < 2
      ? `No test is possible with ${counts}: each side needs two runs.`
      : `No test is possible: the runs show no spread to hold the difference against (${counts}).`;
  }
  const [statistic, freedom] = [parseNumber(t), parseNumber(df)];
  const name =
    test === "welch"
      ? "Welch's t-test, which does not assume equal variances"
      : "Paired t-test over the shared seeds";
  return `${name}: p = ${pText(p)}, t = ${numberText(statistic)}, df = ${numberText(freedom)}, ${counts}.`;
}

export function pText(p: number): string {
  return p < 0.0001 ? "below 0.0001" : Number.parseFloat(p.toPrecision(2)).toString();
}

function numberText(value: number | null): string {
  return value === null ? "–" : formatNumber(value);
}

function effectSentence({ effect }: GroupComparison): string {
  const value = parseNumber(effect?.value);
  if (!effect || value === null || Number.isNaN(value)) return "";
  const interval = range(effect.ci);
  return `Effect size ${effect.name} = ${formatNumber(value)}${interval ? ` (${interval})` : ""}, ${sizeWord(value)}: the difference in units of the spread between runs.`;
}

function superioritySentence({ superiority }: GroupComparison, names: readonly [string, string]): string {
  const chance = parseNumber(superiority);
  if (chance === null || Number.isNaN(chance)) return "";
  return `A single run of ${names[0]} is above a single run of ${names[1]} in ${Math.round(chance * 100)} of 100 pairs.`;
}
