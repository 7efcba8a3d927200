// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { bindKeys } from "@/ui/shortcuts";

const press = (key: string, options: KeyboardEventInit = {}, target: EventTarget = document.body) => {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options });
  target.dispatchEvent(event);
  return event;
};

describe("the keyboard", () => {
  let unbind: () => void = () => undefined;
  afterEach(() => {
    unbind();
    document.body.replaceChildren();
  });

  it("runs what a key is bound to, and only while it is bound", () => {
    const action = vi.fn();
    unbind = bindKeys({ t: action });

    expect(press("t").defaultPrevented).toBe(true);
    unbind();
    press("t");

    expect(action).toHaveBeenCalledTimes(1);
  });

  it("knows keys that follow each other", () => {
    const projects = vi.fn();
    const pin = vi.fn();
    unbind = bindKeys({ "g p": projects, p: pin });

    press("g");
    press("p");
    press("p");

    expect(projects).toHaveBeenCalledTimes(1);
    expect(pin).toHaveBeenCalledTimes(1);
  });

  it("leaves typing alone, and leaves a field on Esc", () => {
    const action = vi.fn();
    unbind = bindKeys({ x: action });
    const field = document.createElement("input");
    document.body.append(field);
    field.focus();

    press("x", {}, field);
    press("Escape", {}, field);

    expect(action).not.toHaveBeenCalled();
    expect(document.activeElement).not.toBe(field);
  });

  it("leaves the browser's own keys alone", () => {
    const action = vi.fn();
    unbind = bindKeys({ f: action, "Ctrl K": action });

    press("f", { ctrlKey: true });
    expect(action).not.toHaveBeenCalled();
    press("k", { metaKey: true });
    expect(action).toHaveBeenCalledTimes(1);
  });

  it("rests while a dialog is open", () => {
    const action = vi.fn();
    unbind = bindKeys({ x: action });
    const dialog = document.createElement("div");
    dialog.setAttribute("role", "dialog");
    document.body.append(dialog);

    press("x");

    expect(action).not.toHaveBeenCalled();
  });
});
