import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Place } from "@/api/pictures";
import { Dialog } from "@/ui/Dialog";
import { IconButton } from "@/ui/IconButton";
import { type Fields, isFields } from "../blocks";
import { RunSetFields } from "./RunSetFields";

interface RunSetsFormProps {
  value: Fields;
  place: Place;
  onSave(value: Fields): void;
  onClose(): void;
}

interface Named {
  id: number;
  name: string;
  set: Fields;
}

/** The run sets of a report while they are made: names, and which runs each means. */
export default function RunSetsForm({ value, place, onSave, onClose }: RunSetsFormProps) {
  const [sets, setSets] = useState<readonly Named[]>(() =>
    Object.entries(isFields(value.runs) ? value.runs : {}).map(([name, set], id) => ({
      id,
      name,
      set: isFields(set) ? set : {},
    })),
  );
  const change = (id: number, part: Partial<Named>) =>
    setSets(sets.map((one) => (one.id === id ? { ...one, ...part } : one)));
  const names = sets.map(({ name }) => name.trim());
  const wrong = names.some((name) => name === "" || name.startsWith("#"))
    ? "Each run set has a name, which does not begin with #."
    : new Set(names).size < names.length
      ? "Two run sets have the same name."
      : null;
  return (
    <Dialog title="Run sets" open onClose={onClose} size="wide">
      <div className="dialog-body run-sets-form">
        <p className="muted">
          Figures and numbers name these, or mean the first of them. All of a report change with it.
        </p>
        {sets.map(({ id, name, set }) => (
          <fieldset key={id}>
            <legend>
              <input
                className="text-input"
                aria-label="Name of the run set"
                value={name}
                onChange={(event) => change(id, { name: event.target.value })}
              />
              <IconButton
                label={`Remove ${name}`}
                onClick={() => setSets(sets.filter((one) => one.id !== id))}
              >
                <Trash2 size={13} />
              </IconButton>
            </legend>
            <RunSetFields set={set} place={place} onChange={(next) => change(id, { set: next })} />
          </fieldset>
        ))}
        <button
          type="button"
          className="button"
          onClick={() =>
            setSets([
              ...sets,
              {
                id: Math.max(0, ...sets.map((one) => one.id)) + 1,
                name: String.fromCharCode(65 + (sets.length % 26)),
                set: {},
              },
            ])
          }
        >
          <Plus size={13} /> Another run set
        </button>
        {wrong && <p className="bad">{wrong}</p>}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            className="button primary"
            disabled={wrong !== null}
            onClick={() => {
              onSave({ ...value, runs: Object.fromEntries(sets.map((one) => [one.name.trim(), one.set])) });
              onClose();
            }}
          >
            Apply
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
