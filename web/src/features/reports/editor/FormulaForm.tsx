import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Place } from "@/api/pictures";
import { projectQuery } from "@/api/queries";
import { formulaQuery } from "@/api/reports";
import { Dialog } from "@/ui/Dialog";
import { useDebounced } from "@/ui/useDebounced";
import { ValueCard } from "../Value";

interface FormulaFormProps {
  formula: string;
  place: Place;
  /** The text whose run sets the formula may name. */
  markdown: string;
  onSave(formula: string): void;
  onClose(): void;
}

const TYPING_MS = 250;
const SHOWN_KEYS = 8;

/** What formulas may be; `METRIC` stands for one that the project has. */
const EXAMPLES: readonly (readonly [string, string])[] = [
  ["mean(METRIC) ± ci", "the mean over the runs, with its 95 % interval"],
  ["best(METRIC)", "the best of all runs, by the metric’s goal"],
  ["best_run(METRIC)", "the name of that run"],
  ['last(METRIC, run="…")', "the last value of one run"],
  ['mean(METRIC, runs="A"), %', "over a run set, as per cent"],
  ['test(METRIC, "A", "B")', "the difference of two sets, with p and n"],
  ["n(METRIC)", "how many runs have it"],
];

/** A formula while it is written: its value, or what is wrong with it, at each letter. */
export default function FormulaForm({ formula, place, markdown, onSave, onClose }: FormulaFormProps) {
  const [text, setText] = useState(formula);
  const asked = useDebounced(text.trim(), TYPING_MS);
  const detail = useQuery(projectQuery(place.entity, place.project));
  const keys = (detail.data?.keys ?? []).filter(({ kind, hidden }) => kind === "number" && !hidden);
  const metric = keys.find(({ goal }) => goal)?.key ?? keys[0]?.key ?? "loss";
  const tried = useQuery({
    ...formulaQuery(place.entity, place.project, markdown, asked),
    enabled: asked !== "",
  });
  const value = tried.data ?? null;
  const ready = text.trim() !== "";
  return (
    <Dialog title="Number from runs" open onClose={onClose}>
      <form
        className="dialog-body formula-form"
        onSubmit={(event) => {
          event.preventDefault();
          event.stopPropagation();
          if (!ready) return;
          onSave(text.trim());
          onClose();
        }}
      >
        <label className="form-field">
          <span>Formula</span>
          <input
            className="text-input mono"
            spellCheck={false}
            autoFocus
            value={text}
            placeholder={`mean(${named(metric)}) ± ci`}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <output className={`formula-value ${value?.error ? "wrong" : ""}`}>
          {value ? (
            <>
              {!value.error && <b>{value.written}</b>}
              <ValueCard value={value} />
            </>
          ) : (
            <span className="muted">
              {tried.error ? tried.error.message : asked ? "…" : "Its value appears here."}
            </span>
          )}
        </output>
        <ul className="formula-examples" aria-label="Examples">
          {EXAMPLES.map(([example, about]) => {
            const filled = example.replace("METRIC", named(metric));
            return (
              <li key={example}>
                <button type="button" onClick={() => setText(filled)}>
                  <code>{filled}</code>
                  <small>{about}</small>
                </button>
              </li>
            );
          })}
        </ul>
        {keys.length > 1 && (
          <p className="muted">
            Metrics:{" "}
            {keys
              .slice(0, SHOWN_KEYS)
              .map(({ key }) => named(key))
              .join(", ")}
            {keys.length > SHOWN_KEYS && ` and ${keys.length - SHOWN_KEYS} more`}
          </p>
        )}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={!ready}>
            Apply
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** A metric as a formula takes it. */
function named(key: string): string {
  return /^[A-Za-z_][\w.:@]*(\/[\w.:@]+)*$/.test(key) ? key : `\`${key}\``;
}
