import { Tooltip } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";

interface IconButtonProps extends Omit<ComponentProps<"button">, "title"> {
  label: string;
  /** Key that does the same, shown in the hint. */
  hint?: string;
  pressed?: boolean;
  children: ReactNode;
}

/** A square button with an icon; its name appears on hover and is what a screen reader says. */
export function IconButton({ label, hint, pressed, children, className = "", ...rest }: IconButtonProps) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>
        <button
          type="button"
          className={`icon-button ${className}`}
          aria-label={label}
          aria-pressed={pressed}
          {...rest}
        >
          {children}
        </button>
      </Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="hint" sideOffset={6} collisionPadding={6}>
          {label}
          {hint && <kbd>{hint}</kbd>}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
