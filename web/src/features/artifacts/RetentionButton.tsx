import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Recycle } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type ArtifactDetail, type ArtifactName, editArtifact, type Keep } from "@/api/artifacts";
import { queryKeys } from "@/api/queries";
import { Dialog } from "@/ui/Dialog";
import { Segmented } from "@/ui/Segmented";
import { keepText } from "./words";

const KINDS = [
  ["all", "Keep all"],
  ["last", "Newest"],
  ["best", "Best"],
] as const;
const GOALS = [
  ["maximize", "highest"],
  ["minimize", "lowest"],
] as const;

/** Which versions stay, and for how long; a button that says so and changes it. */
export function RetentionButton({ artifact, list }: { artifact: ArtifactName; list: ArtifactDetail }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        className="button"
        title={`Keeps ${keepText(list.keep)}`}
        onClick={() => setOpen(true)}
      >
        <Recycle size={14} /> Retention
      </button>
      <Dialog title={`Which versions of ${artifact.name} stay`} open={open} onClose={() => setOpen(false)}>
        <RetentionForm artifact={artifact} list={list} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

interface RetentionFormProps {
  artifact: ArtifactName;
  list: ArtifactDetail;
  onDone(): void;
}

function RetentionForm({ artifact, list, onDone }: RetentionFormProps) {
  const queries = useQueryClient();
  const [kind, setKind] = useState<"all" | "last" | "best">(list.keep?.kind ?? "all");
  const [count, setCount] = useState(String(list.keep?.count ?? 3));
  const [metric, setMetric] = useState(list.keep?.metric ?? "");
  const [goal, setGoal] = useState(list.keep?.goal ?? "maximize");
  const [days, setDays] = useState(list.ttl_days === null ? "" : String(list.ttl_days));
  const keep = ruleOf(kind, count, metric, goal);
  const ttl = days.trim() === "" ? "never" : Number(days);
  const wrong =
    typeof keep === "string" && keep !== "all"
      ? keep
      : typeof ttl === "number" && !(ttl > 0)
        ? "Days are a number above 0, or left empty."
        : null;
  const save = useMutation({
    mutationFn: () =>
      editArtifact(artifact, { revision: list.revision, keep: keep as Keep | "all", ttl_days: ttl }),
    onSuccess: onDone,
    onSettled: () =>
      queries.invalidateQueries({ queryKey: queryKeys.project(artifact.entity, artifact.project) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wrong) save.mutate();
  };
  return (
    <form className="dialog-body" onSubmit={submit}>
      <Segmented label="Versions that stay" value={kind} options={KINDS} onChange={setKind} />
      {kind !== "all" && (
        <label className="form-field">
          How many
          <input
            className="text-input"
            inputMode="numeric"
            value={count}
            onChange={(event) => setCount(event.target.value)}
          />
        </label>
      )}
      {kind === "best" && (
        <>
          <label className="form-field">
            By the metric of the run that logged it
            <input
              className="text-input"
              value={metric}
              spellCheck={false}
              onChange={(event) => setMetric(event.target.value)}
            />
          </label>
          <Segmented label="Which are best" value={goal} options={GOALS} onChange={setGoal} />
        </>
      )}
      <label className="form-field">
        Days after which a version goes (empty for never)
        <input
          className="text-input"
          inputMode="decimal"
          value={days}
          onChange={(event) => setDays(event.target.value)}
        />
      </label>
      <p>
        This works at once. What a version's page calls protected stays: one with an alias of its own, of a
        registered model, locked, in use, or from which something like that was made. A rule leaves the newest
        version, too; a time does not.
      </p>
      {(wrong ?? save.error) && (
        <p className="bad" role="alert">
          {wrong ?? save.error?.message}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={wrong !== null || save.isPending}>
          Save
        </button>
      </footer>
    </form>
  );
}

function ruleOf(kind: string, count: string, metric: string, goal: "maximize" | "minimize"): Keep | string {
  if (kind === "all") return "all";
  const number = Number(count);
  if (!Number.isInteger(number) || number < 1) return "How many is a whole number from 1.";
  if (kind === "last") return { kind: "last", count: number, metric: null, goal: null };
  if (!metric.trim()) return "Name the metric.";
  return { kind: "best", count: number, metric: metric.trim(), goal };
}
