import { type RefObject, useRef } from "react";
import { ONE_CELL, type Panel, replacePanel, SPAN_LIMIT, type Span } from "@/state/layout";
import { editLayout } from "@/state/view";

interface ResizeCornerProps {
  panel: Panel;
  name: string;
  cell: RefObject<HTMLElement | null>;
  columns: number;
  gap: number;
  /** Shows a size that is not yet decided; null = the decided one. */
  onPreview(span: Span | null): void;
}

/** Changes how many columns and rows a panel takes: by dragging, or with the arrows. */
export function ResizeCorner({ panel, name, cell, columns, gap, onPreview }: ResizeCornerProps) {
  const drag = useRef<{ x: number; y: number; width: number; height: number; next: Span } | null>(null);
  const span = panel.span ?? ONE_CELL;
  const most = Math.min(SPAN_LIMIT, columns);
  const commit = (next: Span) => {
    onPreview(null);
    if (next.w === span.w && next.h === span.h) return;
    editLayout((layout) => {
      const { span: _, ...rest } = panel;
      return replacePanel(layout, next.w === 1 && next.h === 1 ? rest : { ...rest, span: next });
    });
  };
  return (
    <button
      type="button"
      className="resize-corner"
      aria-label={`Resize ${name}: ${span.w} by ${span.h} cells`}
      title="Drag to resize; with the arrow keys too"
      onPointerDown={(event) => {
        const box = cell.current?.getBoundingClientRect();
        if (!box || event.button !== 0) return;
        const taken = { w: Math.min(span.w, most), h: span.h };
        drag.current = {
          x: event.clientX,
          y: event.clientY,
          width: (box.width + gap) / taken.w,
          height: (box.height + gap) / taken.h,
          next: taken,
        };
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        const from = drag.current;
        if (!from) return;
        const w = Math.min(span.w, most) + Math.round((event.clientX - from.x) / from.width);
        const h = span.h + Math.round((event.clientY - from.y) / from.height);
        const next = { w: clamp(w, most), h: clamp(h, SPAN_LIMIT) };
        if (next.w === from.next.w && next.h === from.next.h) return;
        from.next = next;
        onPreview(next);
      }}
      onPointerUp={() => {
        const from = drag.current;
        drag.current = null;
        if (from) commit(from.next);
      }}
      onPointerCancel={() => {
        drag.current = null;
        onPreview(null);
      }}
      onKeyDown={(event) => {
        const [dw, dh] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
          event.key
        ] ?? [0, 0];
        if (!dw && !dh) return;
        event.preventDefault();
        commit({ w: clamp(span.w + (dw ?? 0), most), h: clamp(span.h + (dh ?? 0), SPAN_LIMIT) });
      }}
    />
  );
}

function clamp(value: number, most: number): number {
  return Math.max(1, Math.min(most, value));
}
