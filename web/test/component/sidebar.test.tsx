// @vitest-environment happy-dom
import { cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunGroup, RunRow } from "@/api/types";
import { joinGroups } from "@/features/workspace/groups";
import { Sidebar } from "@/features/workspace/sidebar/Sidebar";
import type { Runs } from "@/features/workspace/useRuns";
import { clearHover, setHover } from "@/state/hover";
import { isShown } from "@/state/selection";
import { changeView, DEFAULT_VIEW, getView, openView } from "@/state/view";
import { renderRouted } from "./routed";

function row(number: number, change: Partial<RunRow> = {}): RunRow {
  return {
    run_key: `key${number}`,
    run_id: `r${number}`,
    name: `amber-heron-${number}`,
    number,
    state: "finished",
    created_at: 0,
    ended_at: 1,
    last_activity_at: 1,
    runtime_s: 1,
    entity: "acme",
    project: "vit",
    group: null,
    job_type: null,
    tags: [],
    notes: null,
    host: null,
    config: {},
    metrics: {},
    loss: null,
    damaged: false,
    archived: false,
    error: null,
    ...change,
  };
}

function runsOf(rows: RunRow[], change: Partial<Runs> = {}): Runs {
  return {
    rows,
    groups: null,
    match: rows.length,
    total: 1284,
    seq: 1,
    loading: false,
    error: null,
    asked: { filter: "", search: "", regex: false },
    more: () => undefined,
    ...change,
  };
}

const names = () =>
  screen
    .queryAllByRole("link")
    .filter((link) => link.classList.contains("run-name"))
    .map((link) => link.title);

const show = (runs: Runs, groups: RunGroup[] | null = null) =>
  renderRouted(
    <Sidebar
      runs={runs}
      groups={groups && joinGroups(groups, runs.rows)}
      detail={undefined}
      sheet={false}
      onHide={() => undefined}
    />,
  );

describe("the list of runs", () => {
  beforeEach(() => {
    openView(DEFAULT_VIEW);
    // happy-dom lays nothing out; without a height the virtual list has no rows.
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(800);
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(300);
  });
  afterEach(() => {
    cleanup();
    clearHover();
    vi.restoreAllMocks();
  });

  it("says how many runs are shown, match, and exist", async () => {
    await show(runsOf([row(1), row(2), row(3)]));
    changeView({ selection: { shown: "all", except: new Set([2]) } });

    expect(await screen.findByText("2 shown · 3 match · 1,284")).toBeTruthy();
  });

  it("hides a run by its eye, and shows only it by Alt-click", async () => {
    await show(runsOf([row(1), row(2), row(3)]));

    fireEvent.click(await screen.findByLabelText("Hide amber-heron-2"));
    expect([1, 2, 3].map((number) => isShown(getView().selection, number))).toEqual([true, false, true]);

    fireEvent.click(screen.getByLabelText("Hide amber-heron-3"), { altKey: true });
    expect([1, 2, 3].map((number) => isShown(getView().selection, number))).toEqual([false, false, true]);
  });

  it("renders only the rows in view of a long list", async () => {
    await show(runsOf(Array.from({ length: 10_000 }, (_, i) => row(i))));
    await screen.findByText("10,000 shown · 10,000 match · 1,284");

    expect(names().length).toBeGreaterThan(10);
    expect(names().length).toBeLessThan(100);
  });

  it("tells states by name and not by colour alone", async () => {
    await show(runsOf([row(1, { state: "running" }), row(2, { state: "failed" }), row(3)]));

    expect((await screen.findAllByText("Running")).length).toBe(1);
    expect(screen.getAllByText("Failed").length).toBe(1);
    expect(screen.queryByText("Finished")).toBeNull();
  });

  it("lights the run that a chart points at", async () => {
    const { container } = await show(runsOf([row(1), row(2)]));
    await screen.findByTitle("amber-heron-2");

    setHover({ id: "key2", cursor: null });

    await vi.waitFor(() => expect(container.querySelector(".hot")?.getAttribute("data-run")).toBe("key2"));
  });

  it("shows names as text, whatever they are", async () => {
    const hostile = '<img src=x onerror="alert(1)">';
    const { container } = await show(runsOf([row(1, { name: hostile })]));

    expect(await screen.findByTitle(hostile)).toBeTruthy();
    expect(container.querySelector("img")).toBeNull();
  });

  it("keeps pinned runs on top", async () => {
    await show(runsOf([row(1), row(2), row(3)]));
    await screen.findByTitle("amber-heron-3");

    changeView({ pinned: [3] });

    await vi.waitFor(() => expect(names()[0]).toBe("amber-heron-3"));
  });

  it("folds a group and hides all of it at once", async () => {
    const group = (value: string, runs: string[]): RunGroup => ({
      path: [{ by: "config.model", value }],
      count: runs.length,
      runs,
      metrics: {},
    });
    const { container } = await show(runsOf([row(1), row(2), row(3)]), [
      group("vit", ["key1", "key3"]),
      group("cnn", ["key2"]),
    ]);
    await screen.findByText("vit");

    fireEvent.click(screen.getByLabelText("Hide group model vit"));
    expect([1, 2, 3].map((number) => isShown(getView().selection, number))).toEqual([false, true, false]);

    const [head] = container.querySelectorAll<HTMLElement>(".run-group");
    fireEvent.click(within(head as HTMLElement).getByTitle("model vit"));
    await vi.waitFor(() => expect(names()).toEqual(["amber-heron-2"]));
  });
});
