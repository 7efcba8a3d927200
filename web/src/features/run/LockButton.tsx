import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Lock, LockOpen } from "lucide-react";
import { useState } from "react";
import { checkLock, type LockState, lockQuery, lockRun, unlockRun } from "@/api/locks";
import type { RunDetail } from "@/api/types";
import { CopyButton } from "@/ui/CopyButton";
import { Dialog } from "@/ui/Dialog";
import { ErrorLine } from "@/ui/ErrorLine";
import { formatBytes, formatMoment } from "@/ui/humanize";

/** Whether the run's log is sealed for good, and how to do that. */
export function LockButton({ run }: { run: RunDetail }) {
  const state = useQuery(lockQuery(run.run_key));
  const [open, setOpen] = useState(false);
  const lock = state.data?.lock ?? null;
  const mayLock = run.state !== "running" && run.may_edit;
  if (!state.data || (lock === null && !mayLock)) return null;
  return (
    <>
      <button
        type="button"
        className="button"
        title={lock ? `Locked by ${lock.by}: nothing is added to its log` : "Seal what it logged for good"}
        onClick={() => setOpen(true)}
      >
        {lock ? <Lock size={14} /> : <LockOpen size={14} />}
        {lock ? "Locked" : "Lock"}
      </button>
      <Dialog
        title={lock ? "This run is locked" : "Lock this run"}
        open={open}
        onClose={() => setOpen(false)}
        size={lock ? "wide" : "small"}
      >
        {open && <Content run={run} lock={lock} onDone={() => setOpen(false)} />}
      </Dialog>
    </>
  );
}

interface ContentProps {
  run: RunDetail;
  lock: LockState["lock"];
  onDone(): void;
}

function Content({ run, lock, onDone }: ContentProps) {
  const queries = useQueryClient();
  const [note, setNote] = useState("");
  const settle = () => queries.invalidateQueries({ queryKey: lockQuery(run.run_key).queryKey });
  const make = useMutation({ mutationFn: () => lockRun(run.run_key, note), onSettled: settle });
  const undo = useMutation({
    mutationFn: () => unlockRun(run.run_key),
    onSuccess: onDone,
    onSettled: settle,
  });
  const check = useMutation({ mutationFn: () => checkLock(run.run_key) });
  const error = make.error ?? undo.error ?? check.error;
  if (!lock) {
    return (
      <form
        className="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <p>
          What it logged is sealed with the hash of every file, and nothing is added to it any more: no
          training goes on in it. Name, notes and tags can still be changed; that is recorded beside it.
        </p>
        <label className="form-field">
          Why (a note for the others)
          <input
            className="text-input"
            value={note}
            maxLength={1000}
            onChange={(event) => setNote(event.target.value)}
          />
        </label>
        {error && <ErrorLine error={error} />}
        <footer>
          <button type="button" className="button" onClick={onDone}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={make.isPending}>
            Lock
          </button>
        </footer>
      </form>
    );
  }
  const changed = check.data?.changed ?? null;
  return (
    <div className="dialog-body">
      <p>
        Locked by {lock.by}, {formatMoment(lock.at * 1000)}
        {lock.note && `: ${lock.note}`}
      </p>
      <p>
        <span className="mono lock-hash">{lock.sha256}</span>{" "}
        <CopyButton label="Copy the hash of all of it" text={lock.sha256} />
      </p>
      <ul className="rows">
        {lock.segments.map((one) => (
          <li key={one.segment}>
            <span className="row-main">
              <span>
                {one.writer || "main"} · {formatBytes(one.bytes)} ·{" "}
                <span className="mono">{one.segment}</span>
              </span>
              <span className="mono muted lock-hash">{one.sha256}</span>
            </span>
            {changed?.includes(one.segment) && <b className="bad">changed</b>}
          </li>
        ))}
      </ul>
      {changed !== null && (
        <p className={changed.length > 0 ? "bad" : "good"} role="status">
          {changed.length > 0
            ? `${changed.length} of its files are not what they were.`
            : `Every byte is what it was. ${check.data?.added?.length ?? 0} files beside it came later.`}
        </p>
      )}
      {error && <ErrorLine error={error} />}
      <footer>
        <button type="button" className="button" disabled={check.isPending} onClick={() => check.mutate()}>
          {check.isPending ? "Reading every byte…" : "Check"}
        </button>
        {run.may_edit && (
          <button type="button" className="button" disabled={undo.isPending} onClick={() => undo.mutate()}>
            Unlock
          </button>
        )}
      </footer>
    </div>
  );
}
