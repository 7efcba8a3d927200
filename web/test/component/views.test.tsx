// @vitest-environment happy-dom
import { cleanup, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SavedView } from "@/api/views";
import { ViewsMenu } from "@/features/workspace/views/ViewsMenu";
import { removePanel } from "@/state/layout";
import { currentAddress, openAddress, openSaved, originOf } from "@/state/savedView";
import { writeSpec } from "@/state/spec";
import { DEFAULT_VIEW, editLayout, editSettings, getView, undo } from "@/state/view";
import { renderRouted } from "./routed";

const saved = (change: Partial<SavedView> = {}): SavedView => ({
  id: "abc",
  entity: "acme",
  project: "vit",
  name: "Paper <b>figures</b>",
  shared: false,
  owner: "me",
  mine: true,
  default: null,
  version: 3,
  updated_at: 0,
  may_edit: true,
  spec: writeSpec({ ...DEFAULT_VIEW, settings: { smoothing: 0.6 } }),
  ...change,
});
const show = () =>
  renderRouted(<ViewsMenu entity="acme" project="vit" list={{ views: [], default: null }} />);

describe("the menu of views", () => {
  beforeEach(() => openAddress({}));
  afterEach(cleanup);

  it("names the view literally, and says when it was changed and when it no longer is", async () => {
    openSaved(originOf(saved(), false));
    const { container } = await show();
    expect(await screen.findByLabelText("View: Paper <b>figures</b>")).toBeTruthy();
    expect(container.querySelector("b")).toBeNull();

    editLayout((layout) => removePanel(layout, "val/loss"));
    await vi.waitFor(() => expect(container.querySelector(".unsaved")).toBeTruthy());
    undo();
    await vi.waitFor(() => expect(container.querySelector(".unsaved")).toBeNull());
  });

  it("offers to save only what may be saved", async () => {
    openSaved(originOf(saved({ may_edit: false }), false));
    editSettings({ yLog: true });
    const { container } = await show();
    await vi.waitFor(() => expect(container.querySelector(".unsaved")).toBeTruthy());
    expect(screen.queryByText("Save")).toBeNull();
  });

  it("says why a view could not be opened, and shows the default one", async () => {
    openSaved(originOf(saved({ spec: { version: 9 } }), false));
    await show();
    expect((await screen.findByRole("alert")).textContent).toContain("of version 9");
    expect(getView()).toEqual(DEFAULT_VIEW);
  });
});

describe("the address", () => {
  it("of a saved view is its name and what differs", () => {
    openSaved(originOf(saved(), false));
    expect(currentAddress()).toEqual({ view: "abc" });
    editSettings({ smoothing: undefined, yLog: true });
    expect(currentAddress()).toEqual({ view: "abc", smooth: "", ylog: "1" });
  });

  it("of what the project opens with needs no name", () => {
    openSaved(originOf(saved(), true));
    expect(currentAddress()).toEqual({});
  });

  it("of the automatic view has one where the project opens with another", () => {
    openSaved(originOf(null, false));
    expect(currentAddress()).toEqual({ view: "automatic" });
  });
});
