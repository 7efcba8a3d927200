// @vitest-environment happy-dom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ConfigKeysContext, KeysContext } from "@/panels/cast";
import { ChartRows } from "@/panels/line/ChartRows";
import { NumberField, RangeField, readNumber } from "@/panels/settings/fields";
import { DEFAULT_CHART } from "@/state/settings";
import { renderRouted } from "./routed";

afterEach(cleanup);

describe("a number that is typed", () => {
  it.each([
    ["1e-3", 0.001],
    ["2.5k", 2500],
    ["10M", 10_000_000],
    [" −4 ", -4],
    [".5", 0.5],
  ])("may be written as people do: %s", (text, value) => expect(readNumber(text)).toBe(value));

  it.each(["", "x", "1..2", "Infinity", "1e999", "0x10"])("is none: %s", (text) =>
    expect(readNumber(text)).toBeNull(),
  );

  it("holds with each digit, and not while it is none", async () => {
    const onChange = vi.fn();
    await renderRouted(<NumberField label="Top" value={null} onChange={onChange} />);
    const field = await screen.findByLabelText("Top");

    fireEvent.change(field, { target: { value: "1e" } });
    expect(onChange).not.toHaveBeenCalled();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    fireEvent.change(field, { target: { value: "1e2" } });
    expect(onChange).toHaveBeenCalledWith(100);
  });

  it("may be one end of a range, and taken away again", async () => {
    const onChange = vi.fn();
    await renderRouted(<RangeField label="Y" value={[null, 2]} onChange={onChange} />);

    fireEvent.change(await screen.findByLabelText("Y to"), { target: { value: "" } });
    expect(onChange).toHaveBeenCalledWith([null, null]);
  });
});

describe("the settings of charts", () => {
  const show = (own = {}, onChange = vi.fn()) =>
    renderRouted(
      <KeysContext value={[]}>
        <ConfigKeysContext value={["lr"]}>
          <ChartRows settings={{ ...DEFAULT_CHART, ...own }} own={own} onChange={onChange} />
        </ConfigKeysContext>
      </KeysContext>,
    );

  it("mark what is set here and take it back to what is inherited", async () => {
    const onChange = vi.fn();
    await show({ yLog: true }, onChange);

    expect(screen.queryByLabelText("Reset Log x")).toBeNull();
    fireEvent.click(await screen.findByLabelText("Reset Log y"));
    expect(onChange).toHaveBeenCalledWith({ yLog: undefined });
  });

  it("change one thing at a time", async () => {
    const onChange = vi.fn();
    await show({}, onChange);

    fireEvent.change(await screen.findByLabelText("Band of a group"), { target: { value: "iqr" } });
    fireEvent.click(screen.getByLabelText("Single runs faint"));
    expect(onChange.mock.calls).toEqual([[{ spread: "iqr" }], [{ faint: true }]]);
  });

  it("ask for a confidence only where there is one", async () => {
    await show({ spread: "ci" });
    expect(await screen.findByLabelText("Confidence")).toBeTruthy();
    cleanup();
    await show({});
    await screen.findByLabelText("Band of a group");
    expect(screen.queryByLabelText("Confidence")).toBeNull();
  });
});
