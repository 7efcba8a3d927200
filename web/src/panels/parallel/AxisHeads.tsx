import { ArrowLeft, ArrowRight, FlipVertical2, MoreVertical, X } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { columnName, columnTitle } from "@/api/columns";
import type { Brush, ParallelAxis, ParallelLayout } from "@/charts/parallel";
import { Menu, MenuCheck, MenuItem, MenuSeparator } from "@/ui/Menu";
import { type AxisSetting, moveAxis } from "./settings";

interface AxisHeadsProps {
  axes: readonly AxisSetting[];
  drawn: readonly ParallelAxis[];
  /** Null until it is known where the axes stand. */
  layout: ParallelLayout | null;
  onChange(axes: readonly AxisSetting[]): void;
  /** The brush under the fingers; null = none is being drawn. */
  onDraft(draft: { axis: number; brush: Brush | null } | null): void;
}

/** Names of the axes, by which they are moved, and the strips along which they are brushed. */
export function AxisHeads({ axes, drawn, layout, onChange, onDraft }: AxisHeadsProps) {
  const [moving, setMoving] = useState<{ from: number; to: number } | null>(null);
  if (!layout) return null;
  const step = layout.x.length > 1 ? (layout.x[1] ?? 0) - (layout.x[0] ?? 0) : 120;
  const set = (index: number, change: Partial<AxisSetting>) =>
    onChange(axes.map((axis, i) => (i === index ? { ...axis, ...change } : axis)));
  const without = (index: number, name: "flipped" | "log" | "range") =>
    onChange(axes.map((axis, i) => (i === index ? strip(axis, name) : axis)));
  return (
    <>
      {axes.map((axis, index) => {
        const x = layout.x[index] ?? 0;
        const title = columnTitle(axis.column);
        const { name } = columnName(axis.column);
        return (
          <div
            key={drawn[index]?.id ?? index}
            className={`axis-head ${moving?.from === index ? "moving" : ""} ${moving && moving.to === index ? "drop" : ""}`}
            style={{ left: `${x}px`, width: `${Math.max(44, step - 6)}px` }}
          >
            <HeadName
              title={title}
              name={name}
              onMove={(places) => onChange(moveAxis(axes, index, index + places))}
              onDrag={(dx) =>
                setMoving({ from: index, to: clamp(index + Math.round(dx / step), axes.length) })
              }
              onDrop={(dx) => {
                setMoving(null);
                onChange(moveAxis(axes, index, clamp(index + Math.round(dx / step), axes.length)));
              }}
            />
            <Menu
              align="start"
              trigger={
                <button type="button" className="axis-menu" aria-label={`Options of axis ${title}`}>
                  <MoreVertical size={12} />
                </button>
              }
            >
              <MenuCheck
                checked={axis.flipped === true}
                onChange={(on) => (on ? set(index, { flipped: true }) : without(index, "flipped"))}
              >
                Flip
              </MenuCheck>
              {drawn[index]?.kind === "number" && (
                <MenuCheck
                  checked={drawn[index]?.log === true}
                  onChange={(on) => (on ? set(index, { log: true }) : without(index, "log"))}
                >
                  Logarithmic
                </MenuCheck>
              )}
              <MenuSeparator />
              {index > 0 && (
                <MenuItem
                  icon={<ArrowLeft size={14} />}
                  onSelect={() => onChange(moveAxis(axes, index, index - 1))}
                >
                  Move left
                </MenuItem>
              )}
              {index < axes.length - 1 && (
                <MenuItem
                  icon={<ArrowRight size={14} />}
                  onSelect={() => onChange(moveAxis(axes, index, index + 1))}
                >
                  Move right
                </MenuItem>
              )}
              {axis.range && (
                <MenuItem icon={<FlipVertical2 size={14} />} onSelect={() => without(index, "range")}>
                  Clear the brush
                </MenuItem>
              )}
              {axes.length > 2 && (
                <MenuItem
                  icon={<X size={14} />}
                  onSelect={() => onChange(axes.filter((_, i) => i !== index))}
                >
                  Remove
                </MenuItem>
              )}
            </Menu>
          </div>
        );
      })}
      {drawn.map((axis, index) => (
        <BrushStrip
          key={axis.id}
          axis={axis}
          layout={layout}
          index={index}
          onDraft={(brush) => onDraft({ axis: index, brush })}
          onBrush={(brush) => {
            onDraft(null);
            const range = brush && rangeOf(axis, brush);
            if (range) set(index, { range });
            else without(index, "range");
          }}
        />
      ))}
    </>
  );
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(count - 1, index));
}

function strip(axis: AxisSetting, name: "flipped" | "log" | "range"): AxisSetting {
  const { [name]: _, ...rest } = axis;
  return rest as AxisSetting;
}

/** A brush as it is kept: categories by name, because their places change with the runs. */
function rangeOf(axis: ParallelAxis, [from, to]: Brush): AxisSetting["range"] | null {
  if (axis.kind !== "category") return [from, to];
  const inside = axis.categories.filter((_, index) => index >= from && index <= to);
  const [first, last] = [inside[0], inside.at(-1)];
  return first === undefined || last === undefined ? null : [first, last];
}

interface HeadNameProps {
  title: string;
  name: string;
  onMove(places: number): void;
  onDrag(dx: number): void;
  onDrop(dx: number): void;
}

function HeadName({ title, name, onMove, onDrag, onDrop }: HeadNameProps) {
  const from = useRef<number | null>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    event.stopPropagation();
    onMove(event.key === "ArrowLeft" ? -1 : 1);
  };
  return (
    <button
      type="button"
      className="axis-name"
      title={`${title}. Drag, or ← → to move`}
      aria-label={`Axis ${title}. Arrows move it`}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        from.current = event.clientX;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => from.current !== null && onDrag(event.clientX - from.current)}
      onPointerUp={(event) => {
        if (from.current !== null) onDrop(event.clientX - from.current);
        from.current = null;
      }}
      onPointerCancel={() => {
        from.current = null;
        onDrop(0);
      }}
    >
      {name}
    </button>
  );
}

interface BrushStripProps {
  axis: ParallelAxis;
  layout: ParallelLayout;
  index: number;
  onDraft(brush: Brush | null): void;
  onBrush(brush: Brush | null): void;
}

/** A shorter stroke is a click, which clears the brush. */
const STROKE_PX = 4;

function BrushStrip({ axis, layout, index, onDraft, onBrush }: BrushStripProps) {
  /** Where the stroke began, and the brush that is being moved as a whole, if it began inside of one. */
  const stroke = useRef<{ from: number; moved: Brush | null } | null>(null);
  const scale = layout.scales[index];
  const { top, bottom } = layout.box;
  const pixel = (event: PointerEvent<HTMLElement>) => {
    const bounds = event.currentTarget.getBoundingClientRect();
    return Math.max(top, Math.min(bottom, event.clientY - bounds.top + top));
  };
  const brushAt = (py: number): Brush | null => {
    const held = stroke.current;
    if (!held || !scale || Math.abs(py - held.from) < STROKE_PX) return null;
    if (held.moved) {
      const ends = held.moved.map((value) => scale.toValue(scale.toPixel(value) + py - held.from));
      return [Math.min(...ends), Math.max(...ends)];
    }
    const [a, b] = [scale.toValue(held.from), scale.toValue(py)];
    return [Math.min(a, b), Math.max(a, b)];
  };
  return (
    <i
      className="axis-strip"
      aria-hidden="true"
      style={{
        left: `${(layout.x[index] ?? 0) - 11}px`,
        top: `calc(var(--heads) + ${top}px)`,
        height: `${bottom - top}px`,
      }}
      onPointerDown={(event) => {
        const py = pixel(event);
        const value = scale?.toValue(py) ?? Number.NaN;
        const inside = axis.brush !== null && value >= axis.brush[0] && value <= axis.brush[1];
        stroke.current = { from: py, moved: inside ? axis.brush : null };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        const brush = stroke.current && brushAt(pixel(event));
        if (brush) onDraft(brush);
      }}
      onPointerUp={(event) => {
        if (!stroke.current) return;
        const brush = brushAt(pixel(event));
        stroke.current = null;
        onBrush(brush);
      }}
      onPointerCancel={() => {
        stroke.current = null;
        onBrush(axis.brush);
      }}
    />
  );
}
