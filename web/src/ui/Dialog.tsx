import { X } from "lucide-react";
import { Dialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { IconButton } from "./IconButton";

/** Focuses the chart of a panel, else the dialog itself: on the first button its hint would pop up unasked. */
function focusContent(event: Event): void {
  event.preventDefault();
  if (!(event.target instanceof HTMLElement)) return;
  (event.target.querySelector<HTMLElement>(".chart") ?? event.target).focus();
}

interface DialogProps {
  title: string;
  open: boolean;
  onClose(): void;
  size?: "small" | "wide" | "full";
  /** The content brings its own heading. */
  hideTitle?: boolean;
  children: ReactNode;
}

export function Dialog({ title, open, onClose, size = "small", hideTitle = false, children }: DialogProps) {
  return (
    <Primitive.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Primitive.Portal>
        <Primitive.Overlay className="overlay" />
        <Primitive.Content
          className={`dialog dialog-${size}`}
          aria-describedby={undefined}
          onOpenAutoFocus={focusContent}
        >
          {hideTitle ? (
            <Primitive.Title className="visually-hidden">{title}</Primitive.Title>
          ) : (
            <header className="dialog-head">
              <Primitive.Title>{title}</Primitive.Title>
              <Primitive.Close asChild>
                <IconButton label="Close" hint="Esc">
                  <X size={16} />
                </IconButton>
              </Primitive.Close>
            </header>
          )}
          {children}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
