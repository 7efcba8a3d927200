// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { forOneRun, openRunView } from "@/features/run/runView";
import { AUTOMATIC, automaticSection, type Layout, ownSection, type Panel } from "@/state/layout";
import { currentAddress } from "@/state/savedView";
import { writeSpec } from "@/state/spec";
import { changeView, DEFAULT_VIEW, editSettings, getView } from "@/state/view";

const panel = (id: string, type: string): Panel => ({ id, type, settings: {} });
const layout: Layout = {
  ...AUTOMATIC,
  sections: [
    { ...automaticSection("val"), panels: [panel("val/acc", "line"), panel("+b", "bar")] },
    ownSection("+1", "Both", [panel("+l", "line"), panel("+s", "scatter")]),
    ownSection("+2", "Only for many", [panel("+p", "parallel")]),
  ],
  changed: [panel("val/loss", "line"), panel("val/x", "scalar")],
};

describe("the charts of a run", () => {
  it("take from the project's default what says something about one run", () => {
    const { sections, changed } = forOneRun(layout);
    expect(sections.map(({ name, panels }) => [name, panels.map(({ id }) => id)])).toEqual([
      ["val", ["val/acc"]],
      ["Both", ["+l"]],
    ]);
    expect(changed.map(({ id }) => id)).toEqual(["val/loss"]);
  });

  it("begin as the project's default view, and their address says only what differs", () => {
    const spec = writeSpec({ ...DEFAULT_VIEW, settings: { yLog: true }, filter: "a = 1", layout });
    const view = { id: "v", name: "d", shared: true, owner: "a", mine: true, default: "project" as const };
    const saved = { ...view, entity: "a", project: "p", version: 1, updated_at: 0, may_edit: true, spec };
    openRunView({ views: [], default: saved }, {}, true);
    expect(getView()).toMatchObject({ settings: { yLog: true }, filter: "" });
    expect(getView().layout.sections).toHaveLength(2);
    expect(currentAddress()).toEqual({});
    editSettings({ smoothing: 0.5 });
    expect(currentAddress()).toEqual({ smooth: "0.5" });
    openRunView({ views: [], default: saved }, {}, false);
    expect(getView().layout).toEqual(AUTOMATIC);
    changeView(DEFAULT_VIEW);
  });
});
