import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type CheckResult, type ModelDetail, type ModelVersion, modelKeys, promote } from "@/api/models";

interface PromoteFormProps {
  model: ModelDetail;
  row: ModelVersion;
  onDone(): void;
}

/** Gives an alias to a version, with a note why; shows first what the checks find. */
export function PromoteForm({ model, row, onDone }: PromoteFormProps) {
  const queries = useQueryClient();
  const known = [
    ...new Set([...Object.keys(model.aliases), ...model.protected_aliases, "production", "staging"]),
  ];
  const [alias, setAlias] = useState(known.find((name) => !row.aliases.includes(name)) ?? "production");
  const [note, setNote] = useState("");
  const has = row.aliases.includes(alias.trim());
  const preview = useQuery({
    queryKey: [...modelKeys.one(model.id), "promotion", row.number, model.checks, model.version],
    // The checks do not depend on the alias.
    queryFn: () => promote(model.id, { alias: "production", number: row.number, note: "", dry_run: true }),
    enabled: model.checks.length > 0,
    retry: false,
    staleTime: 0,
  });
  const save = useMutation({
    mutationFn: () =>
      promote(model.id, { alias: alias.trim(), number: has ? null : row.number, note, dry_run: false }),
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: modelKeys.all }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const before = model.aliases[alias.trim()];
  return (
    <form className="dialog-body" onSubmit={submit}>
      <label className="form-field">
        Alias
        <input
          className="text-input"
          list="known-aliases"
          value={alias}
          onChange={(event) => setAlias(event.target.value)}
        />
        <datalist id="known-aliases">
          {known.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      {has && <p>v{row.number} has it; this takes it away.</p>}
      {!has && before !== undefined && (
        <p>
          v{before} has it now; it moves to v{row.number}.
        </p>
      )}
      {preview.data && !has && <Checks checks={preview.data.checks} />}
      <label className="form-field">
        Why
        <textarea rows={2} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      {save.error && (
        <p className="bad" role="alert">
          {save.error.message}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={!alias.trim() || save.isPending}>
          {has ? "Take it away" : "Promote"}
        </button>
      </footer>
    </form>
  );
}

function Checks({ checks }: { checks: readonly CheckResult[] }) {
  return (
    <ul className="check-list" aria-label="Checks">
      {checks.map(({ text, passed, seen }) => (
        <li key={text} className={passed ? "good" : "bad"}>
          {passed ? <Check size={14} aria-label="met" /> : <X size={14} aria-label="not met" />}
          <code>{text}</code> <span className="muted">{seen}</span>
        </li>
      ))}
    </ul>
  );
}
