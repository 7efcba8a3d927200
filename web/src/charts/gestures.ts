import { createScale, panDomain, type Scale, zoomDomain } from "./core/scale";
import type { LineChart } from "./line";

export interface GestureEvents {
  /** The pointer (or the keyboard's crosshair) is at x; `py` is null for the keyboard. null = it left. */
  onPoint(point: { x: number; py: number | null } | null): void;
  /** The x range is to become this. `final` is false while a pan or wheel goes on. */
  onRange(range: readonly [number, number], final: boolean): void;
  onReset(): void;
  onBack(): void;
  onOpen(): void;
}

/** A drag shorter than this is a click. */
const DRAG_PX = 6;
const WHEEL_SETTLE_MS = 200;

/**
 * Turns pointer, wheel and keys on a chart into meanings:
 * drag = zoom, Shift-drag = pan, Alt-wheel = zoom around the pointer, double click = reset,
 * arrows = crosshair, Backspace = zoom before, Enter = full screen.
 *
 * Returns a function that detaches it.
 */
export function attachGestures(chart: LineChart, events: GestureEvents): () => void {
  const { element } = chart;
  /** A drag under way; `pan` is the scale at its start, because the chart's own moves along and lags by a frame. */
  let drag: { from: number; pan: Scale | null } | null = null;
  /** Where a wheel zoom has come to; like a pan, it is ahead of what the chart has painted. */
  let wheeled: Scale | null = null;
  let keyboardX: number | null = null;
  let wheelTimer: ReturnType<typeof setTimeout> | null = null;

  const position = (event: MouseEvent): [number, number] => {
    const bounds = element.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  const inside = (px: number) => Math.min(Math.max(px, chart.box.left), chart.box.right);

  const onMove = (event: PointerEvent) => {
    const [px, py] = position(event);
    if (drag?.pan) {
      events.onRange(panDomain(drag.pan, px - drag.from), false);
      return;
    }
    if (drag) {
      chart.setBrush([drag.from, inside(px)]);
      return;
    }
    if (px < chart.box.left - 4 || px > chart.box.right + 4) events.onPoint(null);
    else events.onPoint({ x: chart.x.toValue(inside(px)), py });
  };

  const onDown = (event: PointerEvent) => {
    const [px, py] = position(event);
    if (event.pointerType === "touch") {
      // A finger scrolls the page; it reads values by tapping.
      events.onPoint({ x: chart.x.toValue(inside(px)), py });
      return;
    }
    if (event.button !== 0) return;
    if (px < chart.box.left - 4 || px > chart.box.right + 4) return;
    drag = { from: inside(px), pan: event.shiftKey ? chart.x : null };
    element.setPointerCapture(event.pointerId);
    if (drag.pan) events.onPoint(null);
  };

  const onUp = (event: PointerEvent) => {
    if (!drag) return;
    const [px] = position(event);
    const { from, pan } = drag;
    drag = null;
    chart.setBrush(null);
    if (pan) events.onRange(panDomain(pan, px - from), true);
    else if (Math.abs(inside(px) - from) >= DRAG_PX) {
      const [a, b] = [chart.x.toValue(from), chart.x.toValue(inside(px))];
      events.onPoint(null);
      events.onRange([Math.min(a, b), Math.max(a, b)], true);
    }
  };

  const onCancel = () => {
    drag = null;
    chart.setBrush(null);
  };

  const onLeave = (event: PointerEvent) => {
    // A lifted finger also leaves; what it tapped stays until the next tap elsewhere takes the focus.
    if (!drag && event.pointerType !== "touch") events.onPoint(null);
  };

  const onWheel = (event: WheelEvent) => {
    if (!event.altKey) return;
    event.preventDefault();
    const [px] = position(event);
    const factor = Math.exp(Math.max(-60, Math.min(60, event.deltaY || event.deltaX)) * 0.004);
    const scale = wheeled ?? chart.x;
    const range = zoomDomain(scale, scale.toValue(inside(px)), factor);
    wheeled = createScale(range, chart.box.left, chart.box.right, scale.log);
    events.onRange(range, false);
    if (wheelTimer !== null) clearTimeout(wheelTimer);
    wheelTimer = setTimeout(() => {
      wheeled = null;
      events.onRange(range, true);
    }, WHEEL_SETTLE_MS);
  };

  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey) return;
    const { left, right } = chart.box;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const step = (event.shiftKey ? 40 : 8) * (event.key === "ArrowLeft" ? -1 : 1);
      const from = keyboardX ?? (step > 0 ? left - step : right - step);
      keyboardX = Math.min(Math.max(from + step, left), right);
      events.onPoint({ x: chart.x.toValue(keyboardX), py: null });
    } else if (event.key === "Enter") events.onOpen();
    else if (event.key === "Backspace") events.onBack();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const onBlur = () => {
    events.onPoint(null);
    keyboardX = null;
  };

  element.addEventListener("pointermove", onMove);
  element.addEventListener("pointerdown", onDown);
  element.addEventListener("pointerup", onUp);
  element.addEventListener("pointercancel", onCancel);
  element.addEventListener("pointerleave", onLeave);
  element.addEventListener("dblclick", events.onReset);
  element.addEventListener("wheel", onWheel, { passive: false });
  element.addEventListener("keydown", onKey);
  element.addEventListener("blur", onBlur);
  return () => {
    if (wheelTimer !== null) clearTimeout(wheelTimer);
    element.removeEventListener("pointermove", onMove);
    element.removeEventListener("pointerdown", onDown);
    element.removeEventListener("pointerup", onUp);
    element.removeEventListener("pointercancel", onCancel);
    element.removeEventListener("pointerleave", onLeave);
    element.removeEventListener("dblclick", events.onReset);
    element.removeEventListener("wheel", onWheel);
    element.removeEventListener("keydown", onKey);
    element.removeEventListener("blur", onBlur);
  };
}
