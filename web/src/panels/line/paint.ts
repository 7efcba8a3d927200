import { DASH_COUNT, dashOf, slotColor, type ThemeName } from "@/charts/core/palette";
import { rampColor } from "@/charts/core/ramp";
import { formatNumber } from "@/ui/humanize";
import type { Member } from "../cast";
import type { RunValues } from "./useRunValues";

/** Colours and dashes that follow a value of the runs; null = the line's own. */
export interface Painting {
  color(member: Member): string | null;
  dash(member: Member): readonly number[] | null;
  /** What the colours mean; null where lines have their own. */
  legend: ColorKey | null;
  dashLegend: DashKey | null;
}

export type ColorKey =
  | { title: string; kind: "ramp"; low: number; high: number; log: boolean; missing: boolean }
  | { title: string; kind: "classes"; classes: readonly { label: string; color: string }[] };

export interface DashKey {
  title: string;
  classes: readonly { label: string; dash: readonly number[] }[];
}

export const OWN_COLORS: Painting = { color: () => null, dash: () => null, legend: null, dashLegend: null };

const MISSING: Record<ThemeName, string> = { light: "#b4bbc4", dark: "#565d68" };
const MIXED = "several values";
const NOT_SET = "not set";
/** The ramp's first steps are near the surface's own colour; a line there would not be seen. */
const FAINTEST = 0.22;
/** Values over more decades than this are told apart by their logarithm. */
const LOG_RATIO = 50;
/** More classes than this share colours; the rest is named together. */
const CLASS_LIMIT = 20;

export function paintBy(
  colors: { title: string; values: RunValues } | null,
  dashes: { title: string; values: RunValues } | null,
  members: readonly Member[],
  theme: ThemeName,
): Painting {
  const color = colors ? colorBy(colors.title, colors.values, members, theme) : null;
  const dash = dashes ? dashBy(dashes.title, dashes.values, members) : null;
  return {
    color: color?.color ?? OWN_COLORS.color,
    dash: dash?.dash ?? OWN_COLORS.dash,
    legend: color?.legend ?? null,
    dashLegend: dash?.legend ?? null,
  };
}

function colorBy(title: string, values: RunValues, members: readonly Member[], theme: ThemeName) {
  if (values.kind === "number") {
    const numbers = members.map((member) => meanOf(values, member)).filter(Number.isFinite);
    const low = Math.min(...numbers);
    const high = Math.max(...numbers);
    const log = low > 0 && high / low > LOG_RATIO;
    const place = log ? Math.log : (value: number) => value;
    const span = place(high) - place(low);
    return {
      color: (member: Member) => {
        const value = meanOf(values, member);
        if (!Number.isFinite(value)) return MISSING[theme];
        return rampColor(rampPlace(span > 0 ? (place(value) - place(low)) / span : 1), theme);
      },
      legend: (numbers.length > 0
        ? { title, kind: "ramp", low, high, log, missing: numbers.length < members.length }
        : null) as ColorKey | null,
    };
  }
  const names = classNames(values, members);
  const indexes = new Map(names.map((label, index) => [label, index]));
  const colorOf = (label: string) =>
    label === NOT_SET || label === MIXED ? MISSING[theme] : slotColor(indexes.get(label) ?? 0, theme);
  return {
    color: (member: Member) => colorOf(classOf(values, member)),
    legend: {
      title,
      kind: "classes",
      classes: names.slice(0, CLASS_LIMIT).map((label) => ({ label, color: colorOf(label) })),
    } as ColorKey | null,
  };
}

function dashBy(title: string, values: RunValues, members: readonly Member[]) {
  const names = classNames(values, members);
  const indexes = new Map(names.map((label, index) => [label, index]));
  return {
    dash: (member: Member) => dashOf(indexes.get(classOf(values, member)) ?? 0),
    legend: {
      title: names.length > DASH_COUNT ? `${title} (${DASH_COUNT} styles for ${names.length} values)` : title,
      classes: names.slice(0, DASH_COUNT).map((label, index) => ({ label, dash: dashOf(index) })),
    },
  };
}

/** Where a value of 0…1 lies on the ramp, so that the faintest line is still seen. */
export function rampPlace(t: number): number {
  return FAINTEST + (1 - FAINTEST) * t;
}

function meanOf(values: RunValues, member: Member): number {
  const numbers = (member.runs ?? [member.id]).map((run) => values.number(run)).filter(Number.isFinite);
  return numbers.length > 0 ? numbers.reduce((sum, value) => sum + value, 0) / numbers.length : Number.NaN;
}

function classOf(values: RunValues, member: Member): string {
  const found = new Set((member.runs ?? [member.id]).map((run) => textOf(values, run)));
  const [first = NOT_SET] = found;
  return found.size > 1 ? MIXED : first;
}

function textOf(values: RunValues, run: string): string {
  if (values.kind !== "number") return values.text(run) ?? NOT_SET;
  const value = values.number(run);
  return Number.isFinite(value) ? formatNumber(value) : NOT_SET;
}

const collator = new Intl.Collator("en", { numeric: true });

function classNames(values: RunValues, members: readonly Member[]): string[] {
  const last = (name: string) => (name === NOT_SET || name === MIXED ? 1 : 0);
  return [...new Set(members.map((member) => classOf(values, member)))].sort(
    (a, b) => last(a) - last(b) || collator.compare(a, b),
  );
}
