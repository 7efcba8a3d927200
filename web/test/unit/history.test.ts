import { beforeEach, describe, expect, it } from "vitest";
import { removePanel } from "@/state/layout";
import {
  changeView,
  DEFAULT_VIEW,
  edit,
  editLayout,
  editSettings,
  getView,
  openView,
  redo,
  undo,
  useViewStore,
} from "@/state/view";

describe("undo", () => {
  beforeEach(() => openView(DEFAULT_VIEW));

  it("takes back each edit of layout and settings, and redo brings it again", () => {
    editSettings({ yLog: true });
    editLayout((layout) => removePanel(layout, "val/loss"));
    edit({ size: "l" });

    undo();
    expect(getView().size).toBe("m");
    undo();
    expect(getView().layout.hidden).toEqual([]);
    undo();
    expect(getView().settings).toEqual({});
    undo();
    redo();
    redo();
    expect(getView()).toMatchObject({ settings: { yLog: true }, size: "m" });
    expect(getView().layout.hidden).toEqual(["val/loss"]);
  });

  it("leaves what one looks at alone", () => {
    editSettings({ yLog: true });
    changeView({ filter: "state = failed", zoom: { step: [1, 2] } });
    undo();

    expect(getView()).toMatchObject({ filter: "state = failed", zoom: { step: [1, 2] }, settings: {} });
  });

  it("counts a drag of a slider as one step, and two things as two", () => {
    for (let i = 1; i <= 20; i++) edit({ settings: { smoothing: i / 40 } }, "smoothing", i * 50);
    edit({ size: "s" }, "size", 1_010);
    edit({ settings: { smoothing: 0.9 } }, "smoothing", 1_020);

    undo();
    expect(getView().settings.smoothing).toBe(0.5);
    undo();
    undo();
    expect(getView()).toMatchObject({ settings: {}, size: "m" });
  });

  it("forgets what was undone once something else is done", () => {
    edit({ size: "s" });
    undo();
    edit({ size: "l" });
    redo();

    expect(getView().size).toBe("l");
    expect(useViewStore.getState().future).toEqual([]);
  });

  it("keeps nothing of a setting that is back at its default", () => {
    editSettings({ yLog: true });
    editSettings({ yLog: false, smoothing: 0.5 });
    editSettings({ smoothing: undefined });

    expect(getView().settings).toEqual({});
  });
});
