import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { createModel, editModel, type ModelDetail, modelKeys } from "@/api/models";

interface ModelFormProps {
  entity: string;
  project: string;
  /** The model that is changed; null for a new one. */
  old: ModelDetail | null;
  onDone(): void;
}

/** What a registered model is called, what a version must have to be promoted, and which aliases are protected. */
export function ModelForm({ entity, project, old, onDone }: ModelFormProps) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(old?.name ?? "");
  const [description, setDescription] = useState(old?.description ?? "");
  const [checks, setChecks] = useState((old?.checks ?? []).join("\n"));
  const [protectedAliases, setProtected] = useState((old?.protected_aliases ?? []).join(", "));
  const save = useMutation({
    mutationFn: () => {
      const what = {
        name: name.trim(),
        description,
        checks: listed(checks, "\n"),
        protected_aliases: listed(protectedAliases, ","),
      };
      return old
        ? editModel(old.id, { version: old.version, ...what })
        : createModel({ entity, project, ...what });
    },
    onSuccess: (model) => {
      onDone();
      if (!old) {
        void navigate({
          to: "/$entity/$project/models/$model_id",
          params: { entity, project, model_id: model.id },
        });
      }
    },
    onSettled: () => queries.invalidateQueries({ queryKey: modelKeys.all }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="dialog-body" onSubmit={submit}>
      <label className="form-field">
        Name
        <input
          className="text-input"
          value={name}
          required
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="form-field">
        Description in Markdown
        <textarea rows={3} value={description} onChange={(event) => setDescription(event.target.value)} />
      </label>
      <label className="form-field">
        Checks before a promotion, a filter on the run of a version each line
        <textarea
          rows={2}
          spellCheck={false}
          placeholder="metric.val/acc >= 0.9"
          value={checks}
          onChange={(event) => setChecks(event.target.value)}
        />
      </label>
      <label className="form-field">
        Aliases that only an admin gives
        <input
          className="text-input"
          placeholder="production"
          value={protectedAliases}
          onChange={(event) => setProtected(event.target.value)}
        />
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
        <button type="submit" className="button primary" disabled={!name.trim() || save.isPending}>
          {old ? "Save" : "Make it"}
        </button>
      </footer>
    </form>
  );
}

const listed = (text: string, by: string) =>
  text
    .split(by)
    .map((part) => part.trim())
    .filter(Boolean);
