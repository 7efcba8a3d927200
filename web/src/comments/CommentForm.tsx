import { type KeyboardEvent, useState } from "react";
import type { Place } from "@/api/pictures";
import { usePicturePaste } from "@/ui/usePicturePaste";

interface CommentFormProps {
  place: Place;
  label: string;
  text?: string;
  autoFocus?: boolean;
  onSend(text: string): Promise<void>;
  onCancel?: () => void;
}

/** A field for a comment, in Markdown; pictures can be pasted into it. */
export function CommentForm({
  place,
  label,
  text = "",
  autoFocus = false,
  onSend,
  onCancel,
}: CommentFormProps) {
  const [draft, setDraft] = useState(text);
  const [sending, setSending] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const paste = usePicturePaste(place, setDraft);
  const send = async () => {
    if (!draft.trim() || sending) return;
    setSending(true);
    try {
      await onSend(draft);
      setDraft("");
      setTrouble(null);
    } catch (cause) {
      setTrouble(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setSending(false);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void send();
    if (event.key === "Escape" && onCancel) {
      event.stopPropagation();
      onCancel();
    }
  };
  const wanted = draft.trim() !== "" || onCancel;
  return (
    <form
      className="comment-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        aria-label={label}
        placeholder={`${label}…`}
        rows={wanted ? Math.min(12, Math.max(3, draft.split("\n").length + 1)) : 1}
        // biome-ignore lint/a11y/noAutofocus: the field appears where somebody asked to write
        autoFocus={autoFocus}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
        {...paste.handlers}
      />
      {(trouble ?? paste.trouble) && <p className="bad">{trouble ?? paste.trouble}</p>}
      {wanted && (
        <footer>
          <small>Markdown; Ctrl Enter sends</small>
          <span className="grow" />
          {onCancel && (
            <button type="button" className="button small" onClick={onCancel}>
              Cancel
            </button>
          )}
          <button type="submit" className="button small primary" disabled={sending || paste.busy}>
            Send
          </button>
        </footer>
      )}
    </form>
  );
}
