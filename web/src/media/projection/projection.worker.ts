// Lays vectors out in the plane, away from the page's thread.

import { UMAP } from "umap-js";
import { pca } from "./pca";
import { tsne } from "./tsne";

export type Method = "pca" | "tsne" | "umap";

export interface Task {
  method: Method;
  values: Float32Array;
  rows: number;
  dim: number;
}

export type Report = { done: number } | { places: Float32Array } | { failed: string };

const say = (report: Report) => self.postMessage(report);

self.addEventListener("message", (event: MessageEvent<Task>) => {
  try {
    say({ places: project(event.data) });
  } catch (cause) {
    say({ failed: cause instanceof Error ? cause.message : String(cause) });
  }
});

function project({ method, values, rows, dim }: Task): Float32Array {
  if (method === "pca") return pca(values, rows, dim);
  if (method === "tsne") return tsne(values, rows, dim, pca(values, rows, dim), (done) => say({ done }));
  const vectors = Array.from({ length: rows }, (_, row) =>
    Array.from(values.subarray(row * dim, (row + 1) * dim)),
  );
  const umap = new UMAP({ nNeighbors: Math.min(15, rows - 1), random: seeded(1) });
  const rounds = umap.initializeFit(vectors);
  for (let round = 0; round < rounds; round++) {
    umap.step();
    if (round % 10 === 0) say({ done: round / rounds });
  }
  return Float32Array.from(umap.getEmbedding().flat());
}

/** The same table gives the same picture (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
