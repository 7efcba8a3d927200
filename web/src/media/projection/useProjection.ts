import { useEffect, useState } from "react";
import type { Vectors } from "@/api/tables";
import { startWorker } from "@/ui/trustedWorker";
import type { Method, Report, Task } from "./projection.worker";
import workerUrl from "./projection.worker?worker&url";
import { TSNE_ROWS } from "./tsne";

export interface Projection {
  /** x, y per row; null while it is computed. */
  places: Float32Array | null;
  /** Which row of the table each place is of. */
  rows: readonly number[];
  /** 0..1 */
  done: number;
  failed: string | null;
}

/** Vectors in the plane. Methods that compare all pairs get every n-th row only. */
export function useProjection(vectors: Vectors | null, method: Method): Projection {
  const [state, setState] = useState<Projection>({ places: null, rows: [], done: 0, failed: null });
  useEffect(() => {
    if (!vectors || vectors.rows < 3) return;
    const every = method === "tsne" ? Math.ceil(vectors.rows / TSNE_ROWS) : 1;
    const rows = Array.from({ length: Math.ceil(vectors.rows / every) }, (_, i) => i * every);
    const values = new Float32Array(rows.length * vectors.dim);
    for (const [i, row] of rows.entries()) {
      values.set(vectors.values.subarray(row * vectors.dim, (row + 1) * vectors.dim), i * vectors.dim);
    }
    setState({ places: null, rows, done: 0, failed: null });
    const worker = startWorker(workerUrl);
    worker.addEventListener("message", ({ data }: MessageEvent<Report>) => {
      setState((former) => {
        if ("done" in data) return { ...former, done: data.done };
        return "places" in data
          ? { ...former, places: data.places, done: 1 }
          : { ...former, failed: data.failed };
      });
    });
    worker.addEventListener("error", () =>
      setState((former) => ({ ...former, failed: "The computation failed." })),
    );
    worker.postMessage({ method, values, rows: rows.length, dim: vectors.dim } satisfies Task);
    return () => worker.terminate();
  }, [vectors, method]);
  return state;
}
