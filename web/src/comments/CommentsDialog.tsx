import { Dialog } from "@/ui/Dialog";
import { type Subject, Threads } from "./Threads";

/** The threads on one panel. */
export default function CommentsDialog({
  name,
  onClose,
  ...subject
}: Subject & { name: string; onClose(): void }) {
  return (
    <Dialog title={`Comments on ${name}`} open onClose={onClose}>
      <div className="dialog-body">
        <Threads {...subject} />
      </div>
    </Dialog>
  );
}
