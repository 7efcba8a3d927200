import { describe, expect, it } from "vitest";
import type { KeyInfo } from "@/api/types";
import { OWN_COLORS, paintBy } from "@/panels/line/paint";
import { check, DEFAULTS, effective, KEY_LIMIT, name, shownKeys } from "@/panels/line/settings";
import type { RunValues } from "@/panels/line/useRunValues";
import type { Json, Settings } from "@/state/layout";

const info = (key: string, change: Partial<KeyInfo> = {}): KeyInfo => ({
  key,
  kind: "number",
  runs: 1,
  step_metric: null,
  goal: null,
  unit: null,
  summary: [],
  hidden: false,
  ...change,
});

describe("settings of a line panel", () => {
  it("out of a link are kept as far as they are valid", () => {
    const raw: Settings = {
      keys: ["a", "=1 - b"],
      yLog: true,
      smoothing: 7,
      smoothingKind: "magic",
      xRange: [0, null],
      yRange: [1, "x"] as unknown as Json,
      colorBy: ["metric:acc", "max"],
      dashBy: "model",
      spread: "ci",
    };

    expect(check(raw)).toEqual({
      keys: ["a", "=1 - b"],
      yLog: true,
      xRange: [0, null],
      colorBy: ["metric:acc", "max"],
      spread: "ci",
    });
  });

  it("name the panel by what it shows", () => {
    expect(name(DEFAULTS, info("val/acc"))).toBe("val/acc");
    expect(name({ ...DEFAULTS, keys: ["a", "b"] }, null)).toBe("a, b");
    expect(name({ ...DEFAULTS, keys: ["a", "b", "c", "d"] }, null)).toBe("a, b and 2 more");
    expect(name({ ...DEFAULTS, pattern: "loss$" }, null)).toBe("/loss$/");
    expect(name(DEFAULTS, null)).toBe("Line chart");
  });

  it("find all keys that match, and say how many are left out", () => {
    const keys = Array.from({ length: 80 }, (_, i) => info(`loss/${i}`));
    const all = [
      ...keys,
      info("acc"),
      info("loss/image", { kind: "media" }),
      info("loss/x", { hidden: true }),
    ];

    const shown = shownKeys({ keys: ["acc"], pattern: "^loss" }, null, all);
    expect(shown.keys).toHaveLength(KEY_LIMIT);
    expect(shown.left).toBe(31);
    expect(shownKeys({ keys: [], pattern: "(" }, null, all)).toEqual({ keys: [], left: 0, broken: true });
  });

  it("respect what a metric is: sensors over time, schedules not smoothed", () => {
    const asked = { ...DEFAULTS, smoothing: 0.6, yLog: true };

    const sensor = effective(asked, {}, [info("system/cpu", { kind: "system" })]);
    expect(sensor).toMatchObject({ axis: "relative", smoothing: 0, yLog: false });
    expect(effective(asked, {}, [info("train/lr")]).smoothing).toBe(0);
    expect(effective(asked, {}, [info("a", { step_metric: "tokens" })]).axis).toBe("metric:tokens");
    expect(effective(asked, { axis: "step" }, [info("a", { step_metric: "tokens" })]).axis).toBe("step");
    expect(effective(asked, { smoothing: 0.6 }, [info("train/lr")]).smoothing).toBe(0.6);
  });
});

describe("colours by a value", () => {
  const member = (id: string, runs: string[] | null = null) => ({
    id,
    runs,
    label: id,
    slot: 1,
    ending: null,
  });
  const numbers = (values: Record<string, number>): RunValues => ({
    kind: "number",
    number: (run) => values[run] ?? Number.NaN,
    text: () => null,
  });

  it("run along one ramp, of groups by their mean, and grey where there is none", () => {
    const members = [member("a"), member("b"), member("g", ["x", "y"]), member("none")];
    const values = numbers({ a: 1, b: 3, x: 1, y: 3 });
    const { color, legend } = paintBy({ title: "acc", values }, null, members, "light");

    expect(legend).toMatchObject({ kind: "ramp", low: 1, high: 3, log: false, missing: true });
    const [a, b, g, none] = members.map(color);
    expect(new Set([a, b, g, none]).size).toBe(4);
    expect(none).toBe("#b4bbc4");
  });

  it("take the logarithm over several decades", () => {
    const members = ["a", "b"].map((id) => member(id));
    const painting = paintBy({ title: "lr", values: numbers({ a: 1e-5, b: 1e-2 }) }, null, members, "dark");
    expect(painting.legend).toMatchObject({ log: true });
  });

  it("tell classes apart by colour and by dash", () => {
    const members = ["a", "b", "c"].map((id) => member(id));
    const values: RunValues = {
      kind: "category",
      number: () => Number.NaN,
      text: (run) => ({ a: "vit", b: "cnn" })[run] ?? null,
    };
    const { color, dash, legend, dashLegend } = paintBy(
      { title: "model", values },
      { title: "model", values },
      members,
      "light",
    );

    expect(legend).toMatchObject({ classes: [{ label: "cnn" }, { label: "vit" }, { label: "not set" }] });
    expect(new Set(members.map(color)).size).toBe(3);
    expect(new Set(members.map((one) => String(dash(one)))).size).toBe(3);
    expect(dashLegend?.classes.map(({ label }) => label)).toEqual(["cnn", "vit", "not set"]);
  });

  it("are the lines' own without any", () => expect(OWN_COLORS.color(member("a"))).toBeNull());
});
