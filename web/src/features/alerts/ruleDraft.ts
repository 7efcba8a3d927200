import type { AlertLevel, Condition, EndState, Rule, RuleSpec } from "@/api/alerts";
import { readNumber } from "@/panels/settings/fields";

export type Kind = Condition["kind"];

/** A rule as it is typed: numbers are texts until the rule is made of them. */
export interface Draft {
  name: string;
  kind: Kind;
  key: string;
  op: NonNullable<Condition["op"]>;
  value: string;
  points: string;
  by: string;
  relative: boolean;
  steps: string;
  direction: NonNullable<Condition["direction"]>;
  score: string;
  side: NonNullable<Condition["side"]>;
  what: NonNullable<Condition["what"]>;
  minutes: string;
  goal: NonNullable<Condition["goal"]>;
  states: EndState[];
  filter: string;
  level: AlertLevel;
  channels: string[] | null;
  note: string;
}

export const KINDS: readonly (readonly [Kind, string])[] = [
  ["threshold", "A metric crosses a bound"],
  ["not_finite", "A metric is NaN or infinite"],
  ["change", "A metric rises or falls"],
  ["plateau", "A metric no longer gets better"],
  ["unusual", "A metric is unlike earlier runs"],
  ["silent", "A metric has no new points"],
  ["ended", "A run ends or dies"],
];

export const STATES: readonly (readonly [EndState, string])[] = [
  ["failed", "fails"],
  ["crashed", "dies without a word"],
  ["killed", "is killed"],
  ["preempted", "is preempted"],
  ["finished", "finishes"],
];

const EMPTY: Draft = {
  name: "",
  kind: "threshold",
  key: "",
  op: ">",
  value: "",
  points: "1",
  by: "20",
  relative: true,
  steps: "100",
  direction: "any",
  score: "4",
  side: "any",
  what: "any",
  minutes: "10",
  goal: "minimize",
  states: ["failed", "crashed"],
  filter: "",
  level: "WARN",
  channels: null,
  note: "",
};

const text = (value: number | null | undefined, otherwise: string) =>
  value === null || value === undefined ? otherwise : String(value);

export function draftOf(rule: Rule | null, metric: string): Draft {
  if (rule === null) return { ...EMPTY, key: metric };
  const { condition, filter, level, channels, note } = rule.spec;
  const relative = condition.relative ?? true;
  const by =
    condition.by === undefined
      ? undefined
      : condition.kind === "change" && relative
        ? condition.by * 100
        : condition.by;
  return {
    ...EMPTY,
    name: rule.name,
    kind: condition.kind,
    key: condition.key ?? "",
    op: condition.op ?? EMPTY.op,
    value: text(condition.value, ""),
    points: text(condition.points, "1"),
    by: text(by, condition.kind === "plateau" ? "0" : EMPTY.by),
    relative,
    steps: text(condition.steps, EMPTY.steps),
    direction: condition.direction ?? "any",
    score: text(condition.score, EMPTY.score),
    side: condition.side ?? "any",
    what: condition.what ?? "any",
    minutes: text(condition.seconds === undefined ? undefined : condition.seconds / 60, EMPTY.minutes),
    goal: condition.goal ?? "minimize",
    states: condition.states ?? EMPTY.states,
    filter,
    level,
    channels,
    note,
  };
}

/** What changes when another kind is chosen: what is usual for it. */
export function kindChange(kind: Kind): Partial<Draft> {
  if (kind === "unusual") return { kind, points: "3" };
  if (kind === "plateau") return { kind, by: "0", steps: "1000" };
  if (kind === "change") return { kind, by: "20", steps: "100", relative: true, points: "1" };
  if (kind === "not_finite" || kind === "ended") return { kind, level: "ERROR", points: "1" };
  return { kind, points: "1" };
}

/** The rule that a draft says, or what is missing in it. *before*: for what the form has no field for. */
export function specOf(draft: Draft, before: RuleSpec | null): RuleSpec | string {
  const condition = conditionOf(draft, before?.condition ?? null);
  if (typeof condition === "string") return condition;
  const { filter, level, channels, note } = draft;
  return { condition, filter: filter.trim(), level, channels, note };
}

function conditionOf(draft: Draft, before: Condition | null): Condition | string {
  const { kind } = draft;
  if (kind === "ended") {
    return draft.states.length > 0 ? { kind, states: draft.states } : "Choose how the run ends.";
  }
  const key = draft.key.trim();
  if (!key) return "Name a metric.";
  if (kind === "silent") {
    const minutes = readNumber(draft.minutes);
    if (minutes === null || minutes * 60 < 1) return "Type after how many minutes.";
    return { kind, key, seconds: minutes * 60 };
  }
  const steps = whole(draft.steps);
  const by = readNumber(draft.by);
  if (kind === "plateau") {
    if (steps === null) return "Type how many steps.";
    if (by === null || by < 0) return "By how much it has to get better is a number, or 0.";
    return { kind, key, steps, by, goal: draft.goal };
  }
  const points = whole(draft.points);
  if (points === null) return "Times in a row is a whole number.";
  if (kind === "not_finite") return { kind, key, what: draft.what, points };
  if (kind === "unusual") {
    const score = readNumber(draft.score);
    if (score === null || score <= 0) return "Type how many standard deviations.";
    return { kind, key, score, side: draft.side, points };
  }
  if (kind === "change") {
    if (by === null || by <= 0) return "Type by how much.";
    if (steps === null) return "Type within how many steps.";
    const { direction, relative } = draft;
    return { kind, key, by: relative ? by / 100 : by, steps, direction, relative, points };
  }
  const value = readNumber(draft.value);
  if (value === null) return "Type the bound.";
  const clear =
    before?.kind === kind && before.op === draft.op && before.value === value ? before.clear : undefined;
  return { kind, key, op: draft.op, value, points, ...(clear === undefined ? {} : { clear }) };
}

/** A name for a rule that has none yet. */
export function suggestedName(draft: Draft): string {
  const key = draft.key.trim();
  switch (draft.kind) {
    case "threshold":
      return `${key} ${draft.op} ${draft.value}`;
    case "not_finite":
      return key === "*" ? "NaN anywhere" : `${key} is not a number`;
    case "change":
      return `${key} ${{ rise: "rises", fall: "falls", any: "jumps" }[draft.direction]}`;
    case "plateau":
      return `no progress of ${key}`;
    case "unusual":
      return `${key} is unusual`;
    case "silent":
      return `${key} is silent`;
    case "ended":
      return draft.states.length === 1 && draft.states[0] === "crashed" ? "a run died" : "a run ended";
  }
}

function whole(typed: string): number | null {
  const value = readNumber(typed);
  return value !== null && Number.isInteger(value) && value >= 1 ? value : null;
}
