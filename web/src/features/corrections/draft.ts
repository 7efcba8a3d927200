import type { CorrectionKind, Rule } from "@/api/corrections";
import { readNumber } from "@/panels/settings/fields";

/** What stands in the fields of the form, as it was typed. */
export interface Draft {
  kind: CorrectionKind;
  /** One metric, or several, a line each. */
  metrics: string;
  to: string;
  factor: string;
  offset: string;
  unit: string;
  stepsFrom: string;
  stepsTo: string;
  /** Wall-clock time where the person is, as a datetime-local field has it. */
  timesFrom: string;
  timesTo: string;
  below: string;
  above: string;
  runs: string;
  note: string;
}

export const KINDS: readonly (readonly [CorrectionKind, string])[] = [
  ["rename", "Rename"],
  ["merge", "Merge"],
  ["rescale", "Rescale"],
  ["cut", "Cut points"],
  ["hide", "Hide"],
];

export function emptyDraft(metric: string): Draft {
  return {
    kind: "rename",
    metrics: metric,
    to: metric,
    factor: "1",
    offset: "0",
    unit: "",
    stepsFrom: "",
    stepsTo: "",
    timesFrom: "",
    timesTo: "",
    below: "",
    above: "",
    runs: "",
    note: "",
  };
}

const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
const listed = (value: string | string[] | undefined) => (value === undefined ? [] : [value].flat());
const text = (value: number | null | undefined) =>
  value === null || value === undefined ? "" : String(value);

/** A time in unix seconds as a datetime-local field has it, to the second. */
function localTime(time_s: number | null | undefined): string {
  if (time_s === null || time_s === undefined) return "";
  const time = new Date(time_s * 1000);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export function draftOf(rule: Rule, note: string): Draft {
  const [stepsFrom, stepsTo] = rule.steps ?? [null, null];
  const [timesFrom, timesTo] = rule.times ?? [null, null];
  return {
    kind: rule.kind,
    metrics: [...listed(rule.from), ...listed(rule.keys), ...listed(rule.key)].join("\n"),
    to: rule.into ?? listed(rule.to).join("\n"),
    factor: text(rule.factor ?? 1),
    offset: text(rule.offset ?? 0),
    unit: rule.unit ?? "",
    stepsFrom: text(stepsFrom),
    stepsTo: text(stepsTo),
    timesFrom: localTime(timesFrom),
    timesTo: localTime(timesTo),
    below: text(rule.below),
    above: text(rule.above),
    runs: Array.isArray(rule.runs) ? rule.runs.join("\n") : "",
    note,
  };
}

/** The rule that a draft says, or what is missing in it. *before*: the rule that is changed; its times may be finer than a second. */
export function ruleOf(draft: Draft, before: Rule | null): Rule | string {
  const metrics = lines(draft.metrics);
  const to = lines(draft.to);
  if (metrics.length === 0) return "Name a metric.";
  if (draft.kind === "rename") {
    if (to.length !== metrics.length) return "Each metric needs its new name.";
    if (to.every((name, place) => name === metrics[place])) return "Type the new name.";
    return { kind: "rename", from: single(metrics), to: single(to) };
  }
  if (draft.kind === "merge") {
    if (metrics.length === 1 && !metrics[0]?.includes("*")) return "Name two metrics or more, a line each.";
    return to[0] ? { kind: "merge", from: metrics, into: to[0] } : "Name the metric that they become.";
  }
  if (draft.kind === "hide") return { kind: "hide", keys: single(metrics) };
  const [key = ""] = metrics;
  return draft.kind === "rescale" ? rescale(draft, key) : cut(draft, key, before);
}

function rescale(draft: Draft, key: string): Rule | string {
  const factor = readNumber(draft.factor);
  const offset = readNumber(draft.offset);
  if (factor === null || offset === null) return "Factor and offset are numbers.";
  const unit = draft.unit.trim();
  if (factor === 1 && offset === 0 && !unit) return "Change the factor, the offset or the unit.";
  return { kind: "rescale", key, factor, offset, ...(unit ? { unit } : {}) };
}

function cut(draft: Draft, key: string, before: Rule | null): Rule | string {
  const bounds = [draft.stepsFrom, draft.stepsTo, draft.below, draft.above].map((typed) =>
    typed.trim() ? readNumber(typed) : undefined,
  );
  if (bounds.includes(null)) return "Steps and bounds are numbers, or left empty.";
  const [from, until, below, above] = bounds as (number | undefined)[];
  const rule: Rule = { kind: "cut", key };
  if (from !== undefined || until !== undefined) {
    rule.steps = [
      from === undefined ? null : Math.round(from),
      until === undefined ? null : Math.round(until),
    ];
  }
  if (below !== undefined) rule.below = below;
  if (above !== undefined) rule.above = above;
  const [timesFrom = null, timesTo = null] = before?.times ?? [];
  const times = [readTime(draft.timesFrom, timesFrom), readTime(draft.timesTo, timesTo)] as const;
  if (times[0] !== null || times[1] !== null) rule.times = [...times];
  if (!rule.steps && !rule.times && below === undefined && above === undefined) {
    return "Say which points: steps, times, or values below or above a bound.";
  }
  const runs = lines(draft.runs);
  if (runs.length > 0) rule.runs = runs;
  return rule;
}

/** Unix seconds of what stands in a datetime-local field; *before* where that is what it shows. */
function readTime(typed: string, before: number | null): number | null {
  if (!typed) return null;
  if (before !== null && typed === localTime(before)) return before;
  return new Date(typed).getTime() / 1000;
}

function single(names: string[]): string | string[] {
  return names.length === 1 && names[0] !== undefined ? names[0] : names;
}
