/** A thing that can paint itself in one go. */
export interface Paintable {
  paint(): void;
}

/** Drawing time per frame. Half of 16 ms, the rest belongs to input and layout. */
const SLICE_MS = 8;

const queue = new Set<Paintable>();
let scheduled = false;

/** Paints *target* in one of the next frames; many requests before that are one paint. */
export function requestPaint(target: Paintable): void {
  queue.add(target);
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(paintSlice);
}

export function cancelPaint(target: Paintable): void {
  queue.delete(target);
}

function paintSlice(): void {
  const start = performance.now();
  for (const target of queue) {
    queue.delete(target);
    target.paint();
    if (performance.now() - start > SLICE_MS) break;
  }
  scheduled = queue.size > 0;
  if (scheduled) requestAnimationFrame(paintSlice);
}
