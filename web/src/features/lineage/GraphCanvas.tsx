import { Maximize, Minus, Plus } from "lucide-react";
import { type PointerEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { LineageGraph } from "@/api/lineage";
import { IconButton } from "@/ui/IconButton";
import { familyOf } from "./graph";
import type { Placed } from "./graphLayout";
import { NodeLink } from "./NodeLink";

interface View {
  x: number;
  y: number;
  scale: number;
}

const SMALLEST = 0.15;
const LARGEST = 2;
const STEP = 1.25;
/** A small graph does not need a large place. */
const LEAST_PX = 260;
const MOST_PX = 560;
/** A pointer that moved less has clicked. */
const CLICK_PX = 4;

interface GraphCanvasProps {
  graph: LineageGraph;
  placed: Placed;
}

/** A graph that can be moved and made larger; a node under the pointer shows what it belongs to. */
export function GraphCanvas({ graph, placed }: GraphCanvasProps) {
  const canvas = useRef<HTMLElement>(null);
  const [view, setView] = useState<View>({ x: 0, y: 0, scale: 1 });
  const [pointed, setPointed] = useState<string | null>(null);
  const family = useMemo(
    () => (pointed === null ? null : familyOf(pointed, graph.edges)),
    [pointed, graph.edges],
  );
  const rootPlace = graph.nodes.findIndex(({ id }) => id === graph.root);

  // Whole, if that can be read; else at its own size around where the question began.
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    setView(fitting(placed, element, placed.nodes[rootPlace] ?? null));
  }, [placed, rootPlace]);

  const zoom = (factor: number, at?: { x: number; y: number }) => {
    const element = canvas.current;
    if (!element) return;
    const place = at ?? { x: element.clientWidth / 2, y: element.clientHeight / 2 };
    setView((before) => zoomed(before, factor, place));
  };
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const turn = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls as everywhere
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const place = { x: event.clientX - left, y: event.clientY - top };
      setView((before) => zoomed(before, Math.exp(-event.deltaY / 300), place));
    };
    element.addEventListener("wheel", turn, { passive: false });
    return () => element.removeEventListener("wheel", turn);
  }, []);
  const drag = useDrag(setView);

  return (
    <section
      ref={canvas}
      className="lineage-canvas"
      style={{ height: Math.min(MOST_PX, Math.max(LEAST_PX, placed.height)) }}
      aria-label={`Graph of ${graph.nodes.length} nodes`}
      {...drag}
    >
      <div
        className="lineage-world"
        style={{
          width: placed.width,
          height: placed.height,
          transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
        }}
      >
        <svg width={placed.width} height={placed.height} aria-hidden="true">
          {graph.edges.map((edge, i) => {
            const points = placed.edges[i] ?? [];
            const lit = family === null || (family.has(edge.source) && family.has(edge.target));
            return (
              <g
                key={`${edge.source} ${edge.target} ${edge.kind}`}
                className={`edge ${edge.kind} ${lit ? "" : "dim"}`}
              >
                <path d={curve(points)} />
                <path className="arrow" d={arrow(points)} />
              </g>
            );
          })}
        </svg>
        <ul>
          {graph.nodes.map((node, i) => {
            const place = placed.nodes[i];
            if (!place) return null;
            const dim = family !== null && !family.has(node.id);
            return (
              <li
                key={node.id}
                className={`node ${node.kind} ${node.id === graph.root ? "root" : ""} ${dim ? "dim" : ""}`}
                style={{ left: place.x, top: place.y }}
                onPointerEnter={() => setPointed(node.id)}
                onPointerLeave={() => setPointed(null)}
                onFocus={() => setPointed(node.id)}
                onBlur={() => setPointed(null)}
              >
                <NodeLink node={node} />
              </li>
            );
          })}
        </ul>
      </div>
      <div className="lineage-tools">
        <IconButton label="Larger" onClick={() => zoom(STEP)}>
          <Plus size={15} />
        </IconButton>
        <IconButton label="Smaller" onClick={() => zoom(1 / STEP)}>
          <Minus size={15} />
        </IconButton>
        <IconButton
          label="All of it"
          onClick={() => canvas.current && setView(fitting(placed, canvas.current, null))}
        >
          <Maximize size={15} />
        </IconButton>
      </div>
    </section>
  );
}

/** Moves the view with the pointer. A drag that ends on a node does not open it. */
function useDrag(setView: (change: (before: View) => View) => void) {
  const begin = useRef<{ x: number; y: number; moved: boolean } | null>(null);
  return {
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0 || (event.target as Element).closest(".lineage-tools")) return;
      begin.current = { x: event.clientX, y: event.clientY, moved: false };
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      const from = begin.current;
      if (!from) return;
      const dx = event.clientX - from.x;
      const dy = event.clientY - from.y;
      if (!from.moved && Math.hypot(dx, dy) < CLICK_PX) return;
      if (!from.moved) event.currentTarget.setPointerCapture(event.pointerId);
      begin.current = { x: event.clientX, y: event.clientY, moved: true };
      setView((before) => ({ ...before, x: before.x + dx, y: before.y + dy }));
    },
    onPointerUp() {
      // The click that follows must still know that this was a drag.
      if (!begin.current?.moved) begin.current = null;
      else
        setTimeout(() => {
          begin.current = null;
        });
    },
    onPointerCancel() {
      begin.current = null;
    },
    onClickCapture(event: { preventDefault(): void; stopPropagation(): void }) {
      if (!begin.current?.moved) return;
      event.preventDefault();
      event.stopPropagation();
    },
    onDragStart(event: { preventDefault(): void }) {
      event.preventDefault(); // the browser's own dragging of links
    },
  };
}

function zoomed(view: View, factor: number, { x, y }: { x: number; y: number }): View {
  const scale = Math.min(LARGEST, Math.max(SMALLEST, view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
}

/** Below this the names cannot be read. */
const READABLE = 0.6;

function fitting(
  { width, height }: Placed,
  { clientWidth, clientHeight }: HTMLElement,
  around: { x: number; y: number } | null,
): View {
  const fit = Math.min(1, clientWidth / width, clientHeight / height);
  const scale = around && fit < READABLE ? READABLE : Math.max(SMALLEST, fit);
  const middle = around && fit < READABLE ? around : { x: width / 2, y: height / 2 };
  return { scale, x: clientWidth / 2 - middle.x * scale, y: clientHeight / 2 - middle.y * scale };
}

type Points = readonly { x: number; y: number }[];

/** A smooth line through the points: each is where a bow ends and the next begins. */
function curve(points: Points): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x},${first.y}`;
  let from = first;
  for (const to of rest) {
    const half = (to.x - from.x) / 2;
    path += `C${from.x + half},${from.y} ${to.x - half},${to.y} ${to.x},${to.y}`;
    from = to;
  }
  return path;
}

function arrow(points: Points): string {
  const end = points.at(-1);
  return end ? `M${end.x - 7},${end.y - 4}L${end.x},${end.y}L${end.x - 7},${end.y + 4}` : "";
}
