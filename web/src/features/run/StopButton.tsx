import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleStop } from "lucide-react";
import { useState } from "react";
import { runQuery, stopRun } from "@/api/queries";
import type { RunDetail } from "@/api/types";

/** Asks the training to stop: its main thread gets a KeyboardInterrupt, wherever it runs. */
export function StopButton({ run }: { run: RunDetail }) {
  const queries = useQueryClient();
  const [sure, setSure] = useState(false);
  const stop = useMutation({
    mutationFn: () => stopRun(run.run_key),
    onSettled: () => queries.invalidateQueries({ queryKey: runQuery(run.run_key).queryKey }),
  });
  if (run.state !== "running" || !run.may_edit) return null;
  if (run.stopping) return <span className="muted">asked to stop…</span>;
  return (
    <>
      {stop.error && <span className="bad">{stop.error.message}</span>}
      {sure ? (
        <>
          <button type="button" className="button danger" onClick={() => stop.mutate()}>
            Stop it
          </button>
          <button type="button" className="button" onClick={() => setSure(false)}>
            Go on
          </button>
        </>
      ) : (
        <button type="button" className="button" onClick={() => setSure(true)}>
          <CircleStop size={14} />
          Stop
        </button>
      )}
    </>
  );
}
