import { describe, expect, it } from "vitest";
import { ownSection } from "@/state/layout";
import { isSameView, readSpec, writeSpec } from "@/state/spec";
import { DEFAULT_VIEW, type View } from "@/state/view";
import fromCode from "./view-from-code.json";

const VIEW: View = {
  ...DEFAULT_VIEW,
  filter: 'state = "failed"',
  settings: { smoothing: 0.6, axis: "metric:tokens" },
  layout: {
    sections: [ownSection("+s", "Mine", [{ id: "+p", type: "line", settings: { keys: ["a"] } }])],
    changed: [],
    hidden: ["b"],
    order: ["+s"],
  },
  table: { columns: [] },
};

describe("a saved view", () => {
  it("is read as it was written, through JSON", () => {
    expect(readSpec(JSON.parse(JSON.stringify(writeSpec(VIEW))))).toEqual(VIEW);
  });

  it("does not keep which panel is open nor what is searched", () => {
    const looking = { ...VIEW, panel: "a", panelSearch: "loss" };

    expect(isSameView(looking, VIEW)).toBe(true);
    expect(readSpec(writeSpec(looking))).toMatchObject({ panel: null, panelSearch: "" });
  });

  it("tells a change from none", () => {
    expect(isSameView({ ...VIEW, filter: "" }, VIEW)).toBe(false);
    expect(isSameView({ ...VIEW, settings: { ...VIEW.settings } }, VIEW)).toBe(true);
  });

  it("may be written by code, with values where the address has text", () => {
    const view = readSpec({
      version: 1,
      view: { smooth: 0.5, ylog: true, group: ["config.model"] },
      layout: { sections: [{ name: "Paper", panels: [{ type: "line", settings: { keys: ["loss"] } }] }] },
    });

    expect(view.settings).toEqual({ smoothing: 0.5, yLog: true });
    expect(view.group).toEqual(["config.model"]);
    expect(view.layout.sections[0]?.panels[0]?.settings).toEqual({ keys: ["loss"] });
  });

  it("opens what the Python package writes", () => {
    const { layout, settings } = readSpec(fromCode);
    const [look, other] = layout.sections;

    expect(settings).toEqual({ smoothing: 0.5 });
    expect(layout.hidden).toEqual(["lr"]);
    expect([look?.name, look?.open, other?.name, other?.open]).toEqual(["First look", true, "Else", false]);
    expect(layout.order).toEqual([look?.id, other?.id]);
    const panels = look?.panels ?? [];
    expect(panels.map(({ type, title, span }) => [type, title, span])).toEqual([
      ["line", "Losses", { w: 2, h: 1 }],
      ["line", "Losses", { w: 2, h: 1 }],
      ["scatter", undefined, undefined],
    ]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(3);
    expect(panels[0]?.settings).toEqual({ keys: ["train/loss", "=1 - val/acc"] });
  });

  it.each([
    [null, "not a view"],
    [[], "not a view"],
    [{ view: {} }, "“version” should be 1"],
    [{ version: 7 }, "of version 7"],
  ])("that is none says what was expected: %j", (raw, words) => {
    expect(() => readSpec(raw)).toThrow(words);
  });
});
