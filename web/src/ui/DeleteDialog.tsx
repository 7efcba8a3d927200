import { Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Dialog } from "./Dialog";
import { IconButton } from "./IconButton";

interface DeleteDialogProps {
  title: string;
  open: boolean;
  /** What goes with it, and what stays. */
  children: ReactNode;
  onClose(): void;
  onDelete(): void;
}

/** Asks before something is deleted. */
export function DeleteDialog({ title, open, children, onClose, onDelete }: DeleteDialogProps) {
  return (
    <Dialog title={title} open={open} onClose={onClose}>
      <div className="dialog-body">
        {children}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Keep
          </button>
          <button type="button" className="button danger" onClick={onDelete}>
            Delete
          </button>
        </footer>
      </div>
    </Dialog>
  );
}

interface DeleteButtonProps {
  /** What the button says: "Delete the team's chat". */
  label: string;
  title: string;
  children: ReactNode;
  onDelete(): void;
}

/** A bin that asks first. */
export function DeleteButton({ label, title, children, onDelete }: DeleteButtonProps) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <IconButton label={label} onClick={() => setAsking(true)}>
        <Trash2 size={15} />
      </IconButton>
      <DeleteDialog
        title={title}
        open={asking}
        onClose={() => setAsking(false)}
        onDelete={() => {
          setAsking(false);
          onDelete();
        }}
      >
        {children}
      </DeleteDialog>
    </>
  );
}
