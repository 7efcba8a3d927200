// Lays a lineage graph out, away from the page's thread: hundreds of nodes take a second.

import { type Placed, placeGraph, type Shape } from "./graphLayout";

export interface Task {
  id: number;
  shape: Shape;
}

export interface Report {
  id: number;
  placed: Placed | null;
}

self.addEventListener("message", ({ data }: MessageEvent<Task>) => {
  let placed: Placed | null = null;
  try {
    placed = placeGraph(data.shape);
  } catch {
    // The page says that it cannot be drawn; the list of its nodes is there.
  }
  self.postMessage({ id: data.id, placed } satisfies Report);
});
