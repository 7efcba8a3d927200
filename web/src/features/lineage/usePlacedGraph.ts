import { useEffect, useState } from "react";
import { startWorker } from "@/ui/trustedWorker";
import type { Placed, Shape } from "./graphLayout";
import type { Report, Task } from "./lineage.worker";
import workerUrl from "./lineage.worker?worker&url";

export interface PlacedGraph {
  /** Null while it is computed, and if it cannot be. */
  placed: Placed | null;
  failed: boolean;
}

/** Where the nodes of a graph go. *shape* is laid out again when it is another object. */
export function usePlacedGraph(shape: Shape | null): PlacedGraph {
  const [state, setState] = useState<{ shape: Shape | null; placed: Placed | null; failed: boolean }>({
    shape: null,
    placed: null,
    failed: false,
  });
  useEffect(() => {
    if (!shape) return;
    const worker = startWorker(workerUrl);
    const fail = () => setState({ shape, placed: null, failed: true });
    worker.addEventListener("message", ({ data }: MessageEvent<Report>) => {
      if (data.placed) setState({ shape, placed: data.placed, failed: false });
      else fail();
    });
    worker.addEventListener("error", fail);
    worker.postMessage({ id: 0, shape } satisfies Task);
    return () => worker.terminate();
  }, [shape]);
  // What was laid out for another graph has other nodes.
  return state.shape === shape ? state : { placed: null, failed: false };
}
