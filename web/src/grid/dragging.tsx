import {
  type CollisionDetection,
  DndContext,
  type DragEndEvent,
  type DragMoveEvent,
  DragOverlay,
  type KeyboardCoordinateGetter,
  KeyboardSensor,
  PointerSensor,
  pointerWithin,
  useDraggable,
  useDroppable,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import { GripVertical } from "lucide-react";
import { type ReactNode, useState } from "react";
import { create } from "zustand";
import { movePanel, moveSection, type Panel } from "@/state/layout";
import { editLayout } from "@/state/view";
import { panelsOf, type ReadArrangement, sectionById } from "./arrangementContext";

/** What is dragged, and what it may be dropped on. */
export type Item =
  | { kind: "panel"; id: string; name: string; sectionId: string; room: string; panel: Panel }
  | { kind: "section"; id: string; name: string };

type Side = "before" | "after" | "inside";

interface Mark {
  id: string;
  side: Side;
}

/** Where what is dragged would fall. Beside React's tree of the page: only the marked cell renders. */
const useMark = create<{ mark: Mark | null }>(() => ({ mark: null }));

export function useMarkOf(id: string): Side | null {
  return useMark(({ mark }) => (mark?.id === id ? mark.side : null));
}

/** A press this long is a drag; less is a click. */
const DRAG_PX = 5;
/** A section with more panels takes new ones at its start: the end would give each of them a place. */
const APPEND_LIMIT = 500;

const itemOf = (data: { current: unknown } | undefined): Item | null =>
  (data?.current as { item?: Item } | undefined)?.item ?? null;

/** Panels fall on panels of their room or on sections, sections on sections. */
const detect: CollisionDetection = (args) => {
  const dragged = itemOf(args.active.data as { current: unknown });
  const fits = args.droppableContainers.filter((container) => {
    const item = itemOf(container.data as { current: unknown });
    if (!item || !dragged) return false;
    if (item.kind === "section") return true;
    return dragged.kind === "panel" && item.room === dragged.room;
  });
  const among = { ...args, droppableContainers: fits };
  if (!args.pointerCoordinates) return nearestCorner(among, dragged?.kind);
  const hits = pointerWithin(among);
  // A panel lies in its section; the panel is what is meant.
  return hits.sort((a, b) => depth(b.id) - depth(a.id));
};

/** With the keyboard things jump from corner to corner: the place whose corner is nearest is meant. */
const nearestCorner = (args: Parameters<CollisionDetection>[0], kind: string | undefined) => {
  const { left, top } = args.collisionRect;
  return args.droppableContainers
    .flatMap((droppableContainer) => {
      const rect = args.droppableRects.get(droppableContainer.id);
      if (!rect || itemOf(droppableContainer.data as { current: unknown })?.kind !== kind) return [];
      const value = Math.abs(rect.left - left) + Math.abs(rect.top - top);
      return [{ id: droppableContainer.id, data: { droppableContainer, value } }];
    })
    .sort((a, b) => a.data.value - b.data.value);
};

function depth(id: string | number): number {
  return String(id).startsWith("panel ") ? 1 : 0;
}

/** With the arrows a dragged thing jumps to the nearest place in that direction. */
const jump: KeyboardCoordinateGetter = (event, { context, currentCoordinates }) => {
  const { collisionRect, droppableRects, droppableContainers, active } = context;
  const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
    event.code
  ];
  if (!direction || !collisionRect || !active) return undefined;
  event.preventDefault();
  const dragged = itemOf(active.data as { current: unknown });
  const [dx = 0, dy = 0] = direction;
  let best: { left: number; top: number } | null = null;
  let nearest = Number.POSITIVE_INFINITY;
  for (const container of droppableContainers.getEnabled()) {
    const item = itemOf(container.data as { current: unknown });
    const rect = droppableRects.get(container.id);
    if (!rect || !item || item.kind !== dragged?.kind || item.id === dragged.id) continue;
    const along = (rect.left - collisionRect.left) * dx + (rect.top - collisionRect.top) * dy;
    const across =
      Math.abs((rect.left - collisionRect.left) * dy) + Math.abs((rect.top - collisionRect.top) * dx);
    if (along < 8) continue;
    const distance = along + 2 * across;
    if (distance < nearest) {
      nearest = distance;
      best = rect;
    }
  }
  return best ? { x: best.left, y: best.top } : currentCoordinates;
};

/** Lets panels and sections below it be dragged, by pointer, touch and keyboard. */
export function Dragging({ arrangement, children }: { arrangement: ReadArrangement; children: ReactNode }) {
  const [dragged, setDragged] = useState<Item | null>(null);
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: DRAG_PX } }),
    useSensor(KeyboardSensor, { coordinateGetter: jump }),
  );
  const finish = () => {
    setDragged(null);
    useMark.setState({ mark: null });
  };
  const onMove = (event: DragMoveEvent) => {
    const mark = markOf(event, arrangement);
    const former = useMark.getState().mark;
    if (mark?.id !== former?.id || mark?.side !== former?.side) useMark.setState({ mark });
  };
  const onEnd = (event: DragEndEvent) => {
    const item = itemOf(event.active.data as { current: unknown });
    const mark = markOf(event, arrangement);
    finish();
    if (item && mark) drop(item, mark, arrangement);
  };
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={detect}
      onDragStart={({ active }) => setDragged(itemOf(active.data as { current: unknown }))}
      onDragMove={onMove}
      onDragOver={onMove}
      onDragEnd={onEnd}
      onDragCancel={finish}
      accessibility={{ announcements: ANNOUNCEMENTS, screenReaderInstructions: INSTRUCTIONS }}
    >
      {children}
      <DragOverlay dropAnimation={null}>
        {dragged && <span className="drag-chip">{dragged.name}</span>}
      </DragOverlay>
    </DndContext>
  );
}

const INSTRUCTIONS = {
  draggable:
    "Press Space to lift it, the arrow keys to move it, Space again to put it down, Escape to leave it.",
};
const nameOf = (data: unknown) => itemOf(data as { current: unknown })?.name ?? "";
const ANNOUNCEMENTS = {
  onDragStart: ({ active }: { active: { data: unknown } }) => `Lifted ${nameOf(active.data)}.`,
  onDragOver: ({ active, over }: { active: { data: unknown }; over: { data: unknown } | null }) =>
    over ? `${nameOf(active.data)} is at ${nameOf(over.data)}.` : `${nameOf(active.data)} is over no place.`,
  onDragEnd: ({ active, over }: { active: { data: unknown }; over: { data: unknown } | null }) =>
    over
      ? `${nameOf(active.data)} was put at ${nameOf(over.data)}.`
      : `${nameOf(active.data)} stays where it was.`,
  onDragCancel: ({ active }: { active: { data: unknown } }) => `${nameOf(active.data)} stays where it was.`,
};

function markOf(event: DragMoveEvent | DragEndEvent, arrangement: ReadArrangement): Mark | null {
  const { active, over, activatorEvent, delta } = event;
  const item = itemOf(active.data as { current: unknown });
  const target = itemOf(over?.data as { current: unknown } | undefined);
  if (!item || !target || !over || target.id === item.id) return null;
  if (item.kind === "panel" && target.kind === "section") return { id: target.id, side: "inside" };
  if (activatorEvent instanceof PointerEvent) {
    const [x, y] = [activatorEvent.clientX + delta.x, activatorEvent.clientY + delta.y];
    const late =
      item.kind === "section"
        ? y > over.rect.top + over.rect.height / 2
        : x > over.rect.left + over.rect.width / 2;
    return { id: target.id, side: late ? "after" : "before" };
  }
  return { id: target.id, side: isBehind(item, target, arrangement) ? "after" : "before" };
}

/** With the keyboard a thing takes the place of the one it stands on, which makes room the way it came from. */
function isBehind(item: Item, target: Item, arrangement: ReadArrangement): boolean {
  const order =
    item.kind === "section"
      ? arrangement().sections.map(({ section }) => section.id)
      : arrangement().sections.flatMap(({ entries }) => entries.map(({ id }) => id));
  return order.indexOf(target.id) > order.indexOf(item.id);
}

function drop(item: Item, { id, side }: Mark, arrangement: ReadArrangement): void {
  const now = arrangement();
  if (item.kind === "section") {
    const shown = now.sections.map(({ section }) => section.id);
    const others = shown.filter((other) => other !== item.id);
    editLayout((layout) =>
      moveSection(layout, shown, item.id, others.indexOf(id) + (side === "after" ? 1 : 0)),
    );
    return;
  }
  const home =
    side === "inside"
      ? sectionById(now, id)
      : now.sections.find(({ entries }) => entries.some((entry) => entry.id === id));
  if (!home) return;
  const standing = panelsOf(home).filter((panel) => panel.id !== item.id);
  let before: string | null;
  if (side === "inside") before = standing.length <= APPEND_LIMIT ? null : (standing[0]?.id ?? null);
  else {
    const at = standing.findIndex((panel) => panel.id === id) + (side === "after" ? 1 : 0);
    before = standing[at]?.id ?? null;
  }
  editLayout((layout) => movePanel(layout, item.panel, home.section, standing, before));
}

/** By what a panel or section is dragged. */
export function DragHandle({ item }: { item: Item }) {
  const { attributes, listeners, setNodeRef, isDragging } = useDraggable({
    id: `${item.kind} ${item.id}`,
    data: { item },
    attributes: { roleDescription: "draggable" },
  });
  return (
    <button
      ref={setNodeRef}
      type="button"
      className={`drag-handle ${isDragging ? "dragging" : ""}`}
      {...attributes}
      {...listeners}
      aria-label={`Move ${item.name}`}
    >
      <GripVertical size={12} />
    </button>
  );
}

/** Makes an element a place to drop things on. */
export function useDropPlace(item: Item): (node: HTMLElement | null) => void {
  return useDroppable({ id: `${item.kind} ${item.id}`, data: { item } }).setNodeRef;
}
