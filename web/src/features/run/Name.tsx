import { Pencil } from "lucide-react";
import { useState } from "react";
import type { RunDetail } from "@/api/types";
import { IconButton } from "@/ui/IconButton";
import { useRunEdit } from "./useRunEdit";

/** The run's name; a click on the pencil makes it a field. */
export function Name({ run }: { run: RunDetail }) {
  const [draft, setDraft] = useState<string | null>(null);
  const edit = useRunEdit(run);
  const save = () => {
    const name = draft?.trim();
    setDraft(null);
    if (name && name !== run.name) edit.mutate({ name });
  };
  if (draft !== null) {
    return (
      <input
        className="name-input"
        aria-label="Name"
        // The field replaces what was clicked, so the focus belongs here.
        // biome-ignore lint/a11y/noAutofocus: see above
        autoFocus
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key === "Enter") save();
          if (event.key === "Escape") setDraft(null);
        }}
      />
    );
  }
  return (
    <>
      <h1>{run.name}</h1>
      {run.may_edit && (
        <IconButton label="Rename" onClick={() => setDraft(run.name)}>
          <Pencil size={13} />
        </IconButton>
      )}
      {edit.error && <span className="bad">{edit.error.message}</span>}
    </>
  );
}
