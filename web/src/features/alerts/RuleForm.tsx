import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import {
  alertKeys,
  type Channel,
  changeRule,
  createRule,
  previewRule,
  type Rule,
  type RuleSpec,
} from "@/api/alerts";
import type { KeyInfo } from "@/api/types";
import { Choice } from "@/ui/Choice";
import { ErrorLine } from "@/ui/ErrorLine";
import { Field, TypedField } from "@/ui/FormField";
import { MetricInput } from "@/ui/MetricInput";
import { Segmented } from "@/ui/Segmented";
import { useDebounced } from "@/ui/useDebounced";
import { RulePreviewView } from "./RulePreviewView";
import { type Draft, draftOf, KINDS, kindChange, STATES, specOf, suggestedName } from "./ruleDraft";

interface RuleFormProps {
  entity: string;
  project: string;
  keys: readonly KeyInfo[];
  channels: readonly Channel[];
  /** The one that is changed; null for a new one. */
  old: Rule | null;
  /** A metric that the new one is about. */
  metric: string;
  onDone(): void;
}

/** Rests so long before it asks what a rule would have said. */
const PREVIEW_MS = 400;

const LEVELS = [
  ["INFO", "Info"],
  ["WARN", "Warning"],
  ["ERROR", "Error"],
] as const;

/** A new rule, or the next version of one, with what it would have said of the newest runs beside it. */
export function RuleForm({ entity, project, keys, channels, old, metric, onDone }: RuleFormProps) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => draftOf(old, metric));
  const change = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  const spec = useMemo(() => specOf(draft, old?.spec ?? null), [draft, old]);
  const asked = useDebounced(typeof spec === "string" ? "" : JSON.stringify(spec), PREVIEW_MS);
  const preview = useQuery({
    queryKey: [...alertKeys.rules(entity, project), "preview", asked],
    queryFn: ({ signal }) => previewRule(entity, project, JSON.parse(asked) as RuleSpec, signal),
    enabled: asked !== "",
    retry: false,
    placeholderData: (before) => before,
  });
  const save = useMutation({
    mutationFn: async () => {
      if (typeof spec === "string") throw new Error(spec);
      const name = draft.name.trim() || suggestedName(draft).slice(0, 128);
      return old
        ? changeRule(old.id, { version: old.version, name, spec })
        : createRule(entity, project, { name, spec });
    },
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: alertKeys.rules(entity, project) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <section className="block correction-form" aria-label={old ? "Change a rule" : "New rule"}>
      <h2>{old ? "Change a rule" : "New rule"}</h2>
      <form onSubmit={submit}>
        <Field label="Tell us when">
          <Choice
            label="Tell us when"
            value={draft.kind}
            options={KINDS}
            onChange={(kind) => change(kindChange(kind))}
          />
        </Field>
        <Fields draft={draft} keys={keys} change={change} />
        <Field
          label="In which runs"
          hint={'All of the project if empty. Others: state = "running" and config.lr > 0.1'}
        >
          <input
            className="text-input mono"
            value={draft.filter}
            placeholder="all runs"
            spellCheck={false}
            onChange={(event) => change({ filter: event.target.value })}
          />
        </Field>
        <div className="form-row">
          <Field label="Level">
            <Segmented
              label="Level"
              value={draft.level}
              options={LEVELS}
              onChange={(level) => change({ level })}
            />
          </Field>
        </div>
        {channels.length > 0 && (
          <Tells
            channels={channels}
            chosen={draft.channels}
            onChange={(chosen) => change({ channels: chosen })}
          />
        )}
        <Field label="Name">
          <input
            className="text-input"
            value={draft.name}
            placeholder={suggestedName(draft)}
            maxLength={128}
            onChange={(event) => change({ name: event.target.value })}
          />
        </Field>
        <Field label="What to do then (a note for the others)">
          <input
            className="text-input"
            value={draft.note}
            maxLength={4000}
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
            disabled={typeof spec === "string" || save.isPending || preview.error !== null}
          >
            {old ? "Save" : "Watch from now on"}
          </button>
        </footer>
      </form>
      <RulePreviewView
        preview={asked === "" ? undefined : preview.data}
        error={asked === "" ? null : preview.error}
        missing={typeof spec === "string" ? spec : null}
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
  if (kind === "ended") {
    return (
      <fieldset>
        <legend>The run</legend>
        <span className="check-list">
          {STATES.map(([state, text]) => (
            <label key={state}>
              <input
                type="checkbox"
                checked={draft.states.includes(state)}
                onChange={(event) =>
                  change({
                    states: event.target.checked
                      ? [...draft.states, state]
                      : draft.states.filter((one) => one !== state),
                  })
                }
              />
              {text}
            </label>
          ))}
        </span>
      </fieldset>
    );
  }
  return (
    <>
      <Field label="Metric" hint="One * stands for any text: grad/*, or * for all of them">
        <MetricInput value={draft.key} keys={keys} onChange={(key) => change({ key })} />
      </Field>
      <div className="form-row">
        {kind === "threshold" && (
          <>
            <Field label="is">
              <Choice
                label="is"
                value={draft.op}
                options={[
                  [">", "above"],
                  [">=", "at or above"],
                  ["<", "below"],
                  ["<=", "at or below"],
                ]}
                onChange={(op) => change({ op })}
              />
            </Field>
            <TypedField isNumber label="bound" value={draft.value} onChange={(value) => change({ value })} />
          </>
        )}
        {kind === "change" && (
          <>
            <Field label="it">
              <Choice
                label="it"
                value={draft.direction}
                options={[
                  ["any", "rises or falls"],
                  ["rise", "rises"],
                  ["fall", "falls"],
                ]}
                onChange={(direction) => change({ direction })}
              />
            </Field>
            <TypedField isNumber label="by" value={draft.by} onChange={(by) => change({ by })} />
            <Field label="measured">
              <Choice
                label="measured"
                value={draft.relative ? "percent" : "value"}
                options={[
                  ["percent", "in %"],
                  ["value", "as a value"],
                ]}
                onChange={(unit) => change({ relative: unit === "percent" })}
              />
            </Field>
            <TypedField
              isNumber
              label="within steps"
              value={draft.steps}
              onChange={(steps) => change({ steps })}
            />
          </>
        )}
        {kind === "unusual" && (
          <>
            <TypedField
              isNumber
              label="standard deviations"
              value={draft.score}
              onChange={(score) => change({ score })}
            />
            <Field label="on which side">
              <Choice
                label="on which side"
                value={draft.side}
                options={[
                  ["any", "either"],
                  ["above", "above"],
                  ["below", "below"],
                ]}
                onChange={(side) => change({ side })}
              />
            </Field>
          </>
        )}
        {kind === "not_finite" && (
          <Field label="is">
            <Choice
              label="is"
              value={draft.what}
              options={[
                ["any", "NaN or infinite"],
                ["nan", "NaN"],
                ["inf", "infinite"],
              ]}
              onChange={(what) => change({ what })}
            />
          </Field>
        )}
        {kind === "silent" && (
          <TypedField
            isNumber
            label="for minutes"
            value={draft.minutes}
            onChange={(minutes) => change({ minutes })}
          />
        )}
        {kind === "plateau" && (
          <>
            <Field label="better is">
              <Choice
                label="better is"
                value={draft.goal}
                options={[
                  ["minimize", "less"],
                  ["maximize", "more"],
                ]}
                onChange={(goal) => change({ goal })}
              />
            </Field>
            <TypedField isNumber label="by more than" value={draft.by} onChange={(by) => change({ by })} />
            <TypedField
              isNumber
              label="for steps"
              value={draft.steps}
              onChange={(steps) => change({ steps })}
            />
          </>
        )}
        {kind !== "silent" && kind !== "plateau" && (
          <TypedField
            isNumber
            label="times in a row"
            value={draft.points}
            onChange={(points) => change({ points })}
          />
        )}
      </div>
    </>
  );
}

interface TellsProps {
  channels: readonly Channel[];
  chosen: string[] | null;
  onChange(chosen: string[] | null): void;
}

/** Which channels are told; all, with those that will be made later, is one choice. */
function Tells({ channels, chosen, onChange }: TellsProps) {
  return (
    <fieldset>
      <legend>Tells</legend>
      <span className="check-list">
        <label>
          <input
            type="checkbox"
            checked={chosen === null}
            onChange={(event) => onChange(event.target.checked ? null : channels.map(({ id }) => id))}
          />
          every channel
        </label>
        {chosen !== null &&
          channels.map(({ id, name }) => (
            <label key={id}>
              <input
                type="checkbox"
                checked={chosen.includes(id)}
                onChange={(event) =>
                  onChange(event.target.checked ? [...chosen, id] : chosen.filter((one) => one !== id))
                }
              />
              {name}
            </label>
          ))}
      </span>
    </fieldset>
  );
}
