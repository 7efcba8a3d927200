import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import {
  type Correction,
  changeCorrection,
  correctionsQuery,
  createCorrection,
  previewCorrection,
} from "@/api/corrections";
import { seriesLoader } from "@/api/points";
import { queryKeys } from "@/api/queries";
import type { KeyInfo } from "@/api/types";
import { ErrorLine } from "@/ui/ErrorLine";
import { Field, TypedField } from "@/ui/FormField";
import { MetricInput } from "@/ui/MetricInput";
import { Segmented } from "@/ui/Segmented";
import { useDebounced } from "@/ui/useDebounced";
import { type Draft, draftOf, emptyDraft, KINDS, ruleOf } from "./draft";
import { PreviewView } from "./PreviewView";

interface CorrectionFormProps {
  entity: string;
  project: string;
  keys: readonly KeyInfo[];
  /** The one that is changed; null for a new one. */
  old: Correction | null;
  /** A metric that the new one is about. */
  metric: string;
  onDone(): void;
}

/** Rests so long before it asks what a correction would do. */
const PREVIEW_MS = 350;

/** A new correction, or the next version of one, with what it would do beside it. */
export function CorrectionForm({ entity, project, keys, old, metric, onDone }: CorrectionFormProps) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => (old ? draftOf(old.rule, old.note) : emptyDraft(metric)));
  const change = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  const rule = useMemo(() => ruleOf(draft, old?.rule ?? null), [draft, old]);
  const asked = useDebounced(typeof rule === "string" ? "" : JSON.stringify(rule), PREVIEW_MS);
  const preview = useQuery({
    queryKey: [...queryKeys.project(entity, project), "preview", asked, old?.id ?? null],
    queryFn: ({ signal }) =>
      previewCorrection(entity, project, { rule: JSON.parse(asked), replaces: old?.id ?? null }, signal),
    enabled: asked !== "",
    retry: false,
    placeholderData: (before) => before,
  });
  const save = useMutation({
    mutationFn: async () => {
      if (typeof rule === "string") throw new Error(rule);
      return old
        ? changeCorrection(old.id, { version: old.version, rule, note: draft.note })
        : createCorrection(entity, project, { rule, note: draft.note });
    },
    onSuccess: onDone,
    onSettled: () => {
      seriesLoader.invalidate(null);
      void queries.invalidateQueries({ queryKey: correctionsQuery(entity, project).queryKey });
      void queries.invalidateQueries({ queryKey: queryKeys.project(entity, project) });
      void queries.invalidateQueries({ queryKey: queryKeys.runs(entity, project) });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const conflicts = preview.data?.conflicts ?? [];
  return (
    <section className="block correction-form" aria-label={old ? "Change a correction" : "New correction"}>
      <h2>{old ? "Change a correction" : "New correction"}</h2>
      <form onSubmit={submit}>
        <Segmented label="Kind" value={draft.kind} options={KINDS} onChange={(kind) => change({ kind })} />
        <Fields draft={draft} keys={keys} change={change} />
        <Field label="Why (a note for the others)">
          <input
            className="text-input"
            value={draft.note}
            maxLength={1000}
            onChange={(event) => change({ note: event.target.value })}
          />
        </Field>
        {save.error && <ErrorLine error={save.error} />}
        <footer>
          <button type="button" className="button" onClick={onDone}>
            Cancel
          </button>
          <button
            type="submit"
            className="button primary"
            disabled={typeof rule === "string" || conflicts.length > 0 || save.isPending}
          >
            {old ? "Save" : "Apply for everybody"}
          </button>
        </footer>
      </form>
      <PreviewView
        preview={asked === "" ? undefined : preview.data}
        error={asked === "" ? null : preview.error}
        missing={typeof rule === "string" ? rule : null}
      />
    </section>
  );
}

interface FieldsProps {
  draft: Draft;
  keys: readonly KeyInfo[];
  change(part: Partial<Draft>): void;
}

/** What each kind has to know. */
function Fields({ draft, keys, change }: FieldsProps) {
  const { kind } = draft;
  const several = kind === "merge" || draft.metrics.includes("\n");
  return (
    <>
      <Field
        label={
          kind === "merge" ? "Metrics, a line each; where several have a step, the first counts" : "Metric"
        }
        hint={kind === "merge" ? undefined : "One * stands for any text: train_*"}
      >
        {several ? (
          <textarea
            className="text-input"
            rows={3}
            value={draft.metrics}
            onChange={(event) => change({ metrics: event.target.value })}
          />
        ) : (
          <MetricInput value={draft.metrics} keys={keys} onChange={(metrics) => change({ metrics })} />
        )}
      </Field>
      {(kind === "rename" || kind === "merge") && (
        <Field label={kind === "rename" ? "New name" : "Name of the one line"}>
          {draft.to.includes("\n") ? (
            <textarea
              className="text-input"
              rows={3}
              value={draft.to}
              onChange={(event) => change({ to: event.target.value })}
            />
          ) : (
            <MetricInput value={draft.to} keys={keys} onChange={(to) => change({ to })} />
          )}
        </Field>
      )}
      {kind === "rescale" && (
        <div className="form-row">
          <TypedField
            isNumber
            label="× factor"
            value={draft.factor}
            onChange={(factor) => change({ factor })}
          />
          <TypedField
            isNumber
            label="+ offset"
            value={draft.offset}
            onChange={(offset) => change({ offset })}
          />
          <TypedField label="Unit" value={draft.unit} onChange={(unit) => change({ unit })} />
        </div>
      )}
      {kind === "cut" && (
        <>
          <div className="form-row">
            <TypedField
              isNumber
              label="Steps from"
              value={draft.stepsFrom}
              onChange={(stepsFrom) => change({ stepsFrom })}
            />
            <TypedField
              isNumber
              label="to"
              value={draft.stepsTo}
              onChange={(stepsTo) => change({ stepsTo })}
            />
            <TypedField
              isNumber
              label="Values below"
              value={draft.below}
              onChange={(below) => change({ below })}
            />
            <TypedField
              isNumber
              label="or above"
              value={draft.above}
              onChange={(above) => change({ above })}
            />
          </div>
          <div className="form-row">
            <Moment
              label="Logged from"
              value={draft.timesFrom}
              onChange={(timesFrom) => change({ timesFrom })}
            />
            <Moment label="until" value={draft.timesTo} onChange={(timesTo) => change({ timesTo })} />
          </div>
          <Field label="Of these runs only (run keys, a line each; empty for all)">
            <textarea
              className="text-input mono"
              rows={2}
              value={draft.runs}
              onChange={(event) => change({ runs: event.target.value })}
            />
          </Field>
        </>
      )}
    </>
  );
}

/** A point in time where the person is, to the second. */
function Moment({ label, value, onChange }: { label: string; value: string; onChange(value: string): void }) {
  return (
    <Field label={label}>
      <input
        type="datetime-local"
        step={1}
        className="text-input"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
