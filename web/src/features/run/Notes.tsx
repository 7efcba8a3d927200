import { Pencil } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import type { RunDetail } from "@/api/types";
import { IconButton } from "@/ui/IconButton";
import { Segmented } from "@/ui/Segmented";
import { usePicturePaste } from "@/ui/usePicturePaste";
import { useRunEdit } from "./useRunEdit";

const WAYS = [
  ["write", "Write"],
  ["preview", "Preview"],
] as const;

const Markdown = lazy(() => import("@/ui/Markdown"));

/** Notes in Markdown. */
export function Notes({ run }: { run: RunDetail }) {
  const [draft, setDraft] = useState<string | null>(null);
  const [preview, setPreview] = useState(false);
  const edit = useRunEdit(run);
  const notes = run.notes ?? "";
  const paste = usePicturePaste(run, setDraft);
  const save = () => {
    if (draft !== null && draft !== notes) edit.mutate({ notes: draft });
    setDraft(null);
    setPreview(false);
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
          <Segmented
            label="Notes"
            value={preview ? "preview" : "write"}
            options={WAYS}
            onChange={(way) => setPreview(way === "preview")}
          />
          {preview ? (
            <div className="notes-preview">
              {draft.trim() ? (
                <Suspense fallback={<p className="plain-notes">{draft}</p>}>
                  <Markdown text={draft} place={run} />
                </Suspense>
              ) : (
                <p className="muted">Nothing to show.</p>
              )}
            </div>
          ) : (
            <textarea
              aria-label="Notes in Markdown"
              // biome-ignore lint/a11y/noAutofocus: the field replaces what was clicked
              autoFocus
              rows={Math.max(4, draft.split("\n").length + 1)}
              value={draft}
              onChange={(event) => setDraft(event.target.value)}
              {...paste.handlers}
              onKeyDown={(event) => {
                if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
                if (event.key === "Escape") setDraft(null);
              }}
            />
          )}
          {paste.trouble && <p className="bad">{paste.trouble}</p>}
          <div className="row-actions">
            <button
              type="button"
              className="button primary"
              title="Ctrl Enter"
              disabled={paste.busy}
              onClick={save}
            >
              Save
            </button>
            <button
              type="button"
              className="button"
              onClick={() => {
                setDraft(null);
                setPreview(false);
              }}
            >
              Cancel
            </button>
          </div>
        </>
      ) : notes ? (
        <Suspense fallback={<p className="plain-notes">{notes}</p>}>
          <Markdown text={notes} place={run} />
        </Suspense>
      ) : (
        <p className="muted">No notes.</p>
      )}
      {edit.error && <p className="bad">{edit.error.message}</p>}
    </section>
  );
}
