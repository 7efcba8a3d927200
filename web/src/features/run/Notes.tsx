import { Pencil } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import type { RunDetail } from "@/api/types";
import { IconButton } from "@/ui/IconButton";
import { useRunEdit } from "./useRunEdit";

const Markdown = lazy(() => import("@/ui/Markdown"));

/** Notes in Markdown. */
export function Notes({ run }: { run: RunDetail }) {
  const [draft, setDraft] = useState<string | null>(null);
  const edit = useRunEdit(run);
  const notes = run.notes ?? "";
  const save = () => {
    if (draft !== null && draft !== notes) edit.mutate({ notes: draft });
    setDraft(null);
  };
  return (
    <section className="block" aria-label="Notes">
      <h2>
        Notes
        <span className="grow" />
        {draft === null && run.may_edit && (
          <IconButton label="Edit notes" onClick={() => setDraft(notes)}>
            <Pencil size={13} />
          </IconButton>
        )}
      </h2>
      {draft !== null ? (
        <>
          <textarea
            aria-label="Notes in Markdown"
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
            <button type="button" className="button primary" onClick={save}>
              Save
            </button>
            <button type="button" className="button" onClick={() => setDraft(null)}>
              Cancel
            </button>
          </div>
        </>
      ) : notes ? (
        <Suspense fallback={<p className="plain-notes">{notes}</p>}>
          <Markdown text={notes} />
        </Suspense>
      ) : (
        <p className="muted">No notes.</p>
      )}
      {edit.error && <p className="bad">{edit.error.message}</p>}
    </section>
  );
}
