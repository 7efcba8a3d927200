import { describe, expect, it } from "vitest";
import type { Rule } from "@/api/corrections";
import { draftOf, emptyDraft, ruleOf } from "@/features/corrections/draft";
import { metricsOf } from "@/panels/metrics";

const RULES: Rule[] = [
  { kind: "rename", from: "train_*", to: "train/*" },
  { kind: "rename", from: ["a", "b"], to: ["b", "a"] },
  { kind: "merge", from: ["val/acc", "val_acc"], into: "val/acc" },
  { kind: "rescale", key: "acc", factor: -0.5, offset: 3, unit: "%" },
  { kind: "cut", key: "loss", steps: [null, 20], above: 1e6, runs: ["a".repeat(26)] },
  { kind: "cut", key: "loss", times: [1, null] },
  { kind: "cut", key: "loss", times: [1_700_000_000.25, 1_700_000_060.5] },
  { kind: "hide", keys: ["x", "y"] },
];

describe("the form of a correction", () => {
  it.each(RULES)("gives back the rule that it was opened with: %o", (rule) => {
    expect(ruleOf(draftOf(rule, ""), rule)).toEqual(rule);
  });

  it("takes times where the person is, and leaves those alone that were finer than its fields", () => {
    const draft = { ...emptyDraft("loss"), kind: "cut" as const, timesTo: "2026-03-29T12:00:30" };
    const until = new Date(2026, 2, 29, 12, 0, 30).getTime() / 1000;
    expect(ruleOf(draft, null)).toEqual({ kind: "cut", key: "loss", times: [null, until] });
    const before: Rule = { kind: "cut", key: "loss", times: [1_700_000_000.25, null] };
    const changed = { ...draftOf(before, ""), timesTo: "2026-03-29T12:00:30" };
    expect(ruleOf(changed, before)).toEqual({ ...before, times: [1_700_000_000.25, until] });
  });

  it("says what is missing", () => {
    const draft = emptyDraft("loss");
    expect(ruleOf(draft, null)).toBe("Type the new name.");
    expect(ruleOf({ ...draft, kind: "merge" }, null)).toMatch(/two metrics/);
    expect(ruleOf({ ...draft, kind: "rescale", factor: "ten" }, null)).toMatch(/numbers/);
    expect(ruleOf({ ...draft, kind: "cut" }, null)).toMatch(/which points/);
    expect(ruleOf({ ...draft, kind: "cut", below: "x" }, null)).toMatch(/numbers/);
    expect(ruleOf({ ...draft, metrics: " " }, null)).toBe("Name a metric.");
  });
});

describe("the metrics of a panel", () => {
  const keys = ["loss", "val/acc", "lr"].map((key) => ({
    key,
    kind: "number" as const,
    runs: 1,
    step_metric: null,
    goal: null,
    unit: null,
    summary: [],
    hidden: false,
    corrections: [],
    logged_as: key === "lr" ? ["learning_rate"] : [],
  }));
  const named = (settings: Record<string, unknown>) =>
    metricsOf({ id: "p", type: "any", settings } as never, null, keys).map(({ key }) => key);

  it("are found in keys, columns, expressions, and by the name in the log", () => {
    expect(named({ keys: ["loss"], title: "lr?" })).toEqual(["loss"]);
    expect(named({ x: { by: "config.lr" }, y: { by: "metric:val/acc", agg: "max" } })).toEqual(["val/acc"]);
    expect(named({ keys: ["=1 - val/acc * loss"] })).toEqual(["loss", "val/acc"]);
    expect(named({ keys: ["learning_rate"] })).toEqual(["lr"]);
  });
});
