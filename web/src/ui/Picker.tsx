import { Check, Search } from "lucide-react";
import { Popover } from "radix-ui";
import { type KeyboardEvent, type ReactElement, type ReactNode, useId, useMemo, useState } from "react";

export interface PickerOption {
  value: string;
  label: string;
  note: string;
}

interface PickerProps {
  label: string;
  trigger: ReactElement;
  options: readonly PickerOption[];
  selected: readonly string[];
  onPick(value: string): void;
  align?: "start" | "end";
  /** Several may be picked one after the other. */
  keepOpen?: boolean;
  footer?: ReactNode;
}

/** Options beyond this are found by typing, not by scrolling. */
const SHOWN = 200;

/** A searchable list under a button (a combobox): one keystroke narrows it, Enter takes the marked one. */
export function Picker(props: PickerProps) {
  const [open, setOpen] = useState(false);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>{props.trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="picker"
          align={props.align ?? "start"}
          sideOffset={6}
          collisionPadding={8}
          aria-label={props.label}
        >
          <PickerList {...props} onClose={() => setOpen(false)} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function PickerList({
  label,
  options,
  selected,
  onPick,
  keepOpen = false,
  footer,
  onClose,
}: PickerProps & { onClose(): void }) {
  const id = useId();
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const found = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return options
      .filter((option) => words.every((word) => option.label.toLowerCase().includes(word)))
      .slice(0, SHOWN);
  }, [options, text]);

  const pick = (option: PickerOption | undefined) => {
    if (!option) return;
    onPick(option.value);
    if (!keepOpen) onClose();
  };
  const move = (to: number) => {
    const index = Math.max(0, Math.min(found.length - 1, to));
    setActive(index);
    document.getElementById(`${id}-${index}`)?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") move(active + 1);
    else if (event.key === "ArrowUp") move(active - 1);
    else if (event.key === "Enter") pick(found[active]);
    else return;
    event.preventDefault();
  };

  return (
    <>
      <div className="field">
        <Search size={14} aria-hidden="true" />
        <input
          role="combobox"
          aria-label={label}
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={found[active] ? `${id}-${active}` : undefined}
          placeholder={`${label}…`}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className="picker-list" role="listbox" id={`${id}-list`} aria-label={label} tabIndex={-1}>
        {found.map((option, index) => (
          <div
            key={option.value}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            className={`picker-option ${index === active ? "active" : ""}`}
            aria-selected={selected.includes(option.value)}
            onPointerMove={() => setActive(index)}
            onClick={() => pick(option)}
            onKeyDown={onKeyDown}
          >
            <i>{selected.includes(option.value) && <Check size={14} />}</i>
            <span>{option.label}</span>
            <small>{option.note}</small>
          </div>
        ))}
        {found.length === 0 && <p className="list-empty">Nothing found.</p>}
      </div>
      {footer}
    </>
  );
}
