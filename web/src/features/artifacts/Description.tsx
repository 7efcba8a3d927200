import { Pencil } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { IconButton } from "@/ui/IconButton";

const Markdown = lazy(() => import("@/ui/Markdown"));

interface DescriptionProps {
  label: string;
  text: string;
  mayEdit: boolean;
  onSave(text: string): void;
}

/** A text in Markdown about a thing, and a field to change it. */
export function Description({ label, text, mayEdit, onSave }: DescriptionProps) {
  const [draft, setDraft] = useState<string | null>(null);
  if (!text && !mayEdit) return null;
  const save = () => {
    if (draft !== null && draft !== text) onSave(draft);
    setDraft(null);
  };
  return (
    <section className="block" aria-label={label}>
      <h2>
        {label}
        <span className="grow" />
        {draft === null && mayEdit && (
          <IconButton label={`Edit ${label.toLowerCase()}`} onClick={() => setDraft(text)}>
            <Pencil size={13} />
          </IconButton>
        )}
      </h2>
      {draft !== null ? (
        <>
          <textarea
            aria-label={`${label} in Markdown`}
            // biome-ignore lint/a11y/noAutofocus: the field replaces what was clicked
            autoFocus
            rows={Math.max(4, draft.split("\n").length + 1)}
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
              if (event.key === "Escape") setDraft(null);
            }}
          />
          <div className="row-actions">
            <button type="button" className="button primary" title="Ctrl Enter" onClick={save}>
              Save
            </button>
            <button type="button" className="button" onClick={() => setDraft(null)}>
              Cancel
            </button>
          </div>
        </>
      ) : text ? (
        <Suspense fallback={<p className="plain-notes">{text}</p>}>
          <Markdown text={text} />
        </Suspense>
      ) : (
        <p className="muted">None.</p>
      )}
    </section>
  );
}
