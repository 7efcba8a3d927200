import { Dialog } from "@/ui/Dialog";
import { SHORTCUTS } from "@/ui/shortcuts";

export function ShortcutList({ open, onClose }: { open: boolean; onClose(): void }) {
  return (
    <Dialog title="Keyboard" open={open} onClose={onClose}>
      <dl className="shortcuts">
        {SHORTCUTS.map(({ keys, does }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p className="shortcuts-note">
        In a chart: drag to zoom, Shift-drag to pan, Alt-wheel to zoom at the pointer, double click to see
        everything.
      </p>
    </Dialog>
  );
}
