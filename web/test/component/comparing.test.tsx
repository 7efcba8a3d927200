// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { Tooltip } from "radix-ui";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Comparison } from "@/api/comparison";
import { Differences } from "@/features/compare/Differences";
import { CellValue } from "@/features/runs/CellValue";
import { ColumnManager, columnFrom } from "@/features/runs/ColumnManager";
import type { CatalogEntry } from "@/features/runs/catalog";
import { getTable, idOf, tableColumn } from "@/features/runs/tableState";
import { DEFAULT_VIEW, openView } from "@/state/view";
import { renderRouted } from "./routed";

afterEach(cleanup);
beforeEach(() => openView(DEFAULT_VIEW));

const run = (number: number) => ({
  run_key: `k${number}`,
  run_id: `r${number}`,
  name: `run-${number}`,
  number,
  state: "finished" as const,
  created_at: 0,
  entity: "acme",
  project: "vit",
});

const COMPARISON: Comparison = {
  runs: [run(1), run(2)],
  sections: [
    {
      section: "config",
      same: 1,
      rows: [
        { key: "lr", values: [0.001, 0.002], present: [true, true], differs: true },
        { key: "note", values: [null, "<b>bold</b>"], present: [false, true], differs: true },
        { key: "seed", values: [1, 1], present: [true, true], differs: false },
      ],
    },
  ],
};

describe("differences", () => {
  const show = (all: boolean, onAll = vi.fn()) =>
    renderRouted(<Differences comparison={COMPARISON} base="k2" all={all} onAll={onAll} />);
  const keys = () => screen.getAllByRole("rowheader").map((cell) => cell.textContent);

  it("are all that is shown at first", async () => {
    await show(false);
    expect(keys()).toEqual(expect.arrayContaining(["lr", "note"]));
    expect(keys()).not.toContain("seed");
    expect(screen.getByText("2 rows differ, 1 are equal")).toBeTruthy();
  });

  it("stand beside the rows that are equal, if asked", async () => {
    const onAll = vi.fn();
    await show(true, onAll);
    expect(keys()).toContain("seed");
    fireEvent.click(screen.getByRole("button", { name: "Only differences" }));
    expect(onAll).toHaveBeenCalledWith(false);
  });

  it("begin with the baseline; what is not set says so, and text is literal", async () => {
    await show(false);
    expect(screen.getAllByRole("columnheader")[1]?.textContent).toContain("run-2");
    expect(screen.getByText("not set")).toBeTruthy();
    expect(screen.getByText("<b>bold</b>")).toBeTruthy();
  });
});

describe("a cell", () => {
  const cell = (value: unknown, change: { base?: unknown; goal?: "min" | "max" } = {}) =>
    render(
      <CellValue
        column={tableColumn({ by: "metric:loss", agg: "min" })}
        value={value}
        unit={null}
        goal={change.goal ?? null}
        {...("base" in change ? { base: change.base } : {})}
      />,
    ).container;

  it("tells NaN, missing and zero apart", () => {
    expect(cell("NaN").textContent).toBe("NaN");
    expect(cell(null).textContent).toContain("missing");
    expect(cell(0).textContent).toBe("0");
  });

  it("says how far it is from the baseline, and whether that is better", () => {
    expect(cell(0.5, { base: 1, goal: "min" }).querySelector(".better")?.textContent).toBe("▾50% better");
    expect(cell(1.5, { base: 1, goal: "min" }).querySelector(".worse")?.textContent).toBe("▴50% worse");
    expect(cell(1, { base: 1, goal: "min" }).querySelector(".delta")).toBeNull();
    expect(cell(1, { base: "NaN", goal: "min" }).querySelector(".delta")).toBeNull();
  });
});

describe("the column manager", () => {
  const entry = (by: string, spread: number, section: CatalogEntry["section"] = "config"): CatalogEntry => ({
    column: { by },
    spark: false,
    section,
    kind: "number",
    spread,
    have: 1,
    distinct: 2,
  });
  const catalog = [entry("config.calm", 0.1), entry("config.wild", 0.9), entry("number", 1, "run")];
  const columns = [tableColumn({ by: "name" }, { pinned: true }), tableColumn({ by: "config.lr" })];
  const open = () => {
    render(
      <Tooltip.Provider>
        <ColumnManager columns={columns} catalog={catalog} />
      </Tooltip.Provider>,
    );
    fireEvent.click(screen.getByRole("button", { name: /Columns/ }));
  };
  const shown = () => getTable().columns?.map(idOf);

  it("offers what varies most first, the run's own fields last", () => {
    open();
    const offers = within(screen.getByRole("list", { name: "Columns that can be added" })).getAllByRole(
      "button",
    );
    expect(offers.map((offer) => offer.textContent)).toEqual(["wildconfig", "calmconfig", "numberrun"]);
    fireEvent.click(offers[0] as HTMLElement);
    expect(shown()).toEqual(["name", "config.lr", "config.wild"]);
  });

  it("moves a column by keyboard, hides and pins it", () => {
    open();
    fireEvent.keyDown(screen.getByRole("button", { name: /^lr config\. Alt/ }), {
      key: "ArrowUp",
      altKey: true,
    });
    expect(shown()).toEqual(["config.lr", "name"]);
    fireEvent.click(screen.getByRole("button", { name: "Hide lr config" }));
    expect(getTable().columns?.find((column) => idOf(column) === "config.lr")?.hidden).toBe(true);
  });

  it("makes a column only of a complete form", () => {
    expect(columnFrom("metric:a", "at", "1.5", null, "min")).toBeNull();
    expect(columnFrom("metric:a", "at", "10", null, "min")).toEqual({ by: "metric:a", agg: "at", step: 10 });
    expect(columnFrom("metric:a", "when", "", null, "min")).toBeNull();
    expect(columnFrom("metric:a", "when", "", "metric:b", "max")).toEqual({
      by: "metric:a",
      agg: "when",
      of: { key: "b", agg: "max" },
    });
  });
});
