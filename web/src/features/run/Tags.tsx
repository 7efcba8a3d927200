import { Plus, X } from "lucide-react";
import { useState } from "react";
import type { RunDetail } from "@/api/types";
import { useRunEdit } from "./useRunEdit";

export function Tags({ run }: { run: RunDetail }) {
  const [draft, setDraft] = useState<string | null>(null);
  const edit = useRunEdit(run);
  const add = () => {
    const tag = draft?.trim();
    setDraft(null);
    if (tag && !run.tags.includes(tag)) edit.mutate({ tags: [...run.tags, tag] });
  };
  return (
    <div className="chips">
      {run.tags.map((tag) => (
        <button
          type="button"
          key={tag}
          className="chip"
          disabled={!run.may_edit}
          aria-label={run.may_edit ? `Remove tag ${tag}` : tag}
          onClick={() => edit.mutate({ tags: run.tags.filter((other) => other !== tag) })}
        >
          <span className="chip-text">{tag}</span>
          {run.may_edit && <X size={12} />}
        </button>
      ))}
      {draft === null ? (
        run.may_edit && (
          <button type="button" className="chip" onClick={() => setDraft("")}>
            <Plus size={12} />
            Tag
          </button>
        )
      ) : (
        <input
          className="chip-input"
          aria-label="New tag"
          // biome-ignore lint/a11y/noAutofocus: the field replaces what was clicked
          autoFocus
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={add}
          onKeyDown={(event) => {
            if (event.key === "Enter") add();
            if (event.key === "Escape") setDraft(null);
          }}
        />
      )}
      {edit.error && <span className="bad">{edit.error.message}</span>}
    </div>
  );
}
