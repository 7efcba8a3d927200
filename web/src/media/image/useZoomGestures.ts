import { type RefObject, useEffect, useRef } from "react";
import { type Zoom, zoomedAt } from "./zoom";

const WHEEL_FACTOR = 1.0016;
const KEY_FACTOR = 1.5;
const KEY_PAN_PX = 40;

interface Handlers {
  zoom: Zoom;
  onZoom(zoom: Zoom): void;
  onFit(): void;
}

/** Wheel and pinch zoom, dragging pans, double click fits; + − 0 and arrows do it by keyboard. */
export function useZoomGestures(target: RefObject<HTMLElement | null>, handlers: Handlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const node = target.current;
    if (!node) return;
    const pointers = new Map<number, { x: number; y: number }>();
    const at = (event: MouseEvent) => {
      const box = node.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const { x, y } = at(event);
      const { zoom, onZoom } = latest.current;
      onZoom(zoomedAt(zoom, WHEEL_FACTOR ** -event.deltaY, x, y));
    };
    const down = (event: PointerEvent) => {
      if (event.button !== 0 || (event.target as Element).closest("[data-divider]")) return;
      pointers.set(event.pointerId, at(event));
      node.setPointerCapture(event.pointerId);
    };
    const move = (event: PointerEvent) => {
      const former = pointers.get(event.pointerId);
      if (!former) return;
      const now = at(event);
      const { zoom, onZoom } = latest.current;
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, now);
      if (other) {
        const before = Math.hypot(former.x - other.x, former.y - other.y);
        const after = Math.hypot(now.x - other.x, now.y - other.y);
        if (before > 0) onZoom(zoomedAt(zoom, after / before, (now.x + other.x) / 2, (now.y + other.y) / 2));
      } else onZoom({ ...zoom, x: zoom.x + now.x - former.x, y: zoom.y + now.y - former.y });
    };
    const up = (event: PointerEvent) => pointers.delete(event.pointerId);
    const key = (event: KeyboardEvent) => {
      if (event.target !== node || event.ctrlKey || event.metaKey || event.altKey) return;
      const { zoom, onZoom, onFit } = latest.current;
      const middle = [node.clientWidth / 2, node.clientHeight / 2] as const;
      const pan: Record<string, readonly [number, number]> = {
        ArrowLeft: [1, 0],
        ArrowRight: [-1, 0],
        ArrowUp: [0, 1],
        ArrowDown: [0, -1],
      };
      const by = pan[event.key];
      if (event.key === "+" || event.key === "=") onZoom(zoomedAt(zoom, KEY_FACTOR, ...middle));
      else if (event.key === "-") onZoom(zoomedAt(zoom, 1 / KEY_FACTOR, ...middle));
      else if (event.key === "0") onFit();
      else if (by && event.shiftKey)
        onZoom({ ...zoom, x: zoom.x + by[0] * KEY_PAN_PX, y: zoom.y + by[1] * KEY_PAN_PX });
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    const fit = () => latest.current.onFit();
    node.addEventListener("wheel", wheel, { passive: false });
    node.addEventListener("pointerdown", down);
    node.addEventListener("pointermove", move);
    node.addEventListener("pointerup", up);
    node.addEventListener("pointercancel", up);
    node.addEventListener("keydown", key);
    node.addEventListener("dblclick", fit);
    return () => {
      node.removeEventListener("wheel", wheel);
      node.removeEventListener("pointerdown", down);
      node.removeEventListener("pointermove", move);
      node.removeEventListener("pointerup", up);
      node.removeEventListener("pointercancel", up);
      node.removeEventListener("keydown", key);
      node.removeEventListener("dblclick", fit);
    };
  }, [target]);
}
