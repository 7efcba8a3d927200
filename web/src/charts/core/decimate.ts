import { at } from "./columns";

/** Receives a polyline in device pixels. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

export interface Projection {
  /** x in values → pixels; NaN is a gap. */
  x(value: number): number;
  y(value: number): number;
}

/** A slice of columns to draw, `[from, to)`. */
export interface Trace {
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  from: number;
  to: number;
}

/**
 * Draws a line point by point. It is broken at NaN and where x goes backwards (a restarted run).
 */
export function traceExact(pen: Pen, trace: Trace, project: Projection): void {
  let down = false;
  let previous = Number.NEGATIVE_INFINITY;
  for (let i = trace.from; i < trace.to; i++) {
    const value = at(trace.x, i);
    const px = project.x(value);
    const py = project.y(at(trace.y, i));
    if (Number.isNaN(px) || Number.isNaN(py)) {
      down = false;
      continue;
    }
    if (down && value >= previous) pen.lineTo(px, py);
    else pen.moveTo(px, py);
    down = true;
    previous = value;
  }
}

/**
 * Draws a line with at most four points per pixel column: first, lowest, highest, last.
 *
 * The picture is the one of all points (every column keeps its extremes), at a cost bound by the
 * chart's width. x is snapped to whole pixels, which keeps software rasterisers on their fast path.
 */
export function traceColumns(pen: Pen, trace: Trace, project: Projection, pixelRatio: number): void {
  let column = Number.NEGATIVE_INFINITY;
  let first = 0;
  let low = 0;
  let high = 0;
  let last = 0;
  let down = false;
  let open = false;
  const flush = () => {
    if (!open) return;
    const px = column / pixelRatio;
    if (down) pen.lineTo(px, first);
    else pen.moveTo(px, first);
    down = true;
    if (low !== high) {
      if (first !== low) pen.lineTo(px, low);
      pen.lineTo(px, high);
      if (last !== high) pen.lineTo(px, last);
    }
    open = false;
  };
  for (let i = trace.from; i < trace.to; i++) {
    const px = Math.round(project.x(at(trace.x, i)) * pixelRatio);
    const py = project.y(at(trace.y, i));
    if (Number.isNaN(px) || Number.isNaN(py)) {
      flush();
      down = false;
      continue;
    }
    if (open && px === column) {
      if (py < low) low = py;
      if (py > high) high = py;
      last = py;
      continue;
    }
    flush();
    if (px < column) down = false;
    column = px;
    first = low = high = last = py;
    open = true;
  }
  flush();
}

/** Chooses between the two by density: below two points a column there is nothing to save. */
export function traceLine(
  pen: Pen,
  trace: Trace,
  project: Projection,
  width: number,
  pixelRatio: number,
): void {
  if (trace.to - trace.from <= width * 2) traceExact(pen, trace, project);
  else traceColumns(pen, trace, project, pixelRatio);
}
