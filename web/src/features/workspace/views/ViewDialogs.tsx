import { type FormEvent, useState } from "react";
import type { SavedView } from "@/api/views";
import { Switch } from "@/panels/settings/fields";
import { DeleteDialog } from "@/ui/DeleteDialog";
import { Dialog } from "@/ui/Dialog";
import type { Asking } from "./asking";
import type { ViewActions } from "./useViewActions";

interface ViewDialogsProps {
  asking: NonNullable<Asking> | "conflict";
  saved: SavedView | null;
  actions: ViewActions;
  onAsk(asking: Asking): void;
}

/** What the menu of views has to ask before it can act. */
export default function ViewDialogs({ asking, saved, actions, onAsk }: ViewDialogsProps) {
  const close = () => {
    onAsk(null);
    actions.dismiss();
  };
  if (asking === "save as" || asking === "rename") {
    return <NameDialog asking={asking} saved={saved} actions={actions} onClose={close} />;
  }
  if (asking === "delete") {
    return (
      <DeleteDialog
        title="Delete view"
        open
        onClose={close}
        onDelete={() => {
          close();
          void actions.remove();
        }}
      >
        <p>
          Delete “{saved?.name}”{saved?.shared ? " for everybody in this project" : ""}? Links to it then open
          the default view.
        </p>
      </DeleteDialog>
    );
  }
  return (
    <Dialog title="Saved by somebody else meanwhile" open onClose={close}>
      <div className="dialog-body">
        <p>
          “{saved?.name}” was saved by somebody else after you opened it. Nothing has been overwritten. Which
          one shall stay?
        </p>
        <footer>
          <button type="button" className="button" onClick={() => void actions.takeTheirs()}>
            Take theirs
          </button>
          <button type="button" className="button" onClick={() => void actions.keepMine()}>
            Overwrite with mine
          </button>
          <button type="button" className="button primary" onClick={() => onAsk("save as")}>
            Save mine as new
          </button>
        </footer>
      </div>
    </Dialog>
  );
}

interface NameDialogProps {
  asking: "save as" | "rename";
  saved: SavedView | null;
  actions: ViewActions;
  onClose(): void;
}

function NameDialog({ asking, saved, actions, onClose }: NameDialogProps) {
  const isNew = asking === "save as";
  const [name, setName] = useState(saved ? (isNew ? `${saved.name} copy` : saved.name) : "");
  const [shared, setShared] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const text = name.trim();
    if (!text) return;
    onClose();
    if (isNew) await actions.saveAs(text, shared);
    else await actions.change({ name: text });
  };
  return (
    <Dialog title={isNew ? "Save view as" : "Rename view"} open onClose={onClose}>
      <form className="dialog-body" onSubmit={(event) => void submit(event)}>
        <label className="form-field">
          Name
          <input
            className="text-input"
            autoFocus
            value={name}
            maxLength={128}
            onFocus={(event) => event.target.select()}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        {isNew && (
          <div className="form-switch">
            <Switch label="Shared with the project" checked={shared} onChange={setShared} />
            <span>
              Shared with the project
              <small>{shared ? "Everybody who sees the project sees it." : "Only you see it."}</small>
            </span>
          </div>
        )}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={!name.trim()}>
            Save
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
