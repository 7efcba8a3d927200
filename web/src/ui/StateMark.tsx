import type { RunState } from "@/api/types";

const TITLES: Record<RunState, string> = {
  running: "Running",
  finished: "Finished",
  failed: "Failed",
  crashed: "Crashed: no sign of life for a minute",
  killed: "Killed",
  preempted: "Preempted",
};

/** A run's state by shape and colour; a finished run needs no mark. */
export function StateMark({ state }: { state: RunState }) {
  if (state === "finished") return null;
  return (
    <span className={`state-mark ${state}`} title={TITLES[state]}>
      <span className="visually-hidden">{TITLES[state]}</span>
    </span>
  );
}

/** A run's state in words. */
export function StateLabel({ state }: { state: RunState }) {
  return (
    <span className="state-label">
      {state === "finished" ? <span className="state-mark finished" /> : <StateMark state={state} />}
      <span aria-hidden={state !== "finished"}>{state}</span>
    </span>
  );
}
