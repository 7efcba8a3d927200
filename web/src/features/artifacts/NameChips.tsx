import { Plus, X } from "lucide-react";
import { useState } from "react";

interface NameChipsProps {
  /** What one of them is: "alias", "tag". */
  what: string;
  names: readonly string[];
  /** Those that nobody takes away by hand. */
  fixed?: readonly string[];
  mayEdit: boolean;
  onAdd(name: string): void;
  onRemove(name: string): void;
}

/** Short names that something has, each with a way to take it off, and a place to type another. */
export function NameChips({ what, names, fixed = [], mayEdit, onAdd, onRemove }: NameChipsProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const add = () => {
    const name = draft?.trim();
    setDraft(null);
    if (name && !names.includes(name)) onAdd(name);
  };
  return (
    <div className="chips">
      {names.map((name) => {
        const removable = mayEdit && !fixed.includes(name);
        return (
          <button
            type="button"
            key={name}
            className="chip"
            disabled={!removable}
            aria-label={removable ? `Remove ${what} ${name}` : name}
            onClick={() => onRemove(name)}
          >
            <span className="chip-text">{name}</span>
            {removable && <X size={12} />}
          </button>
        );
      })}
      {names.length === 0 && !mayEdit && <span className="muted">none</span>}
      {mayEdit && draft === null && (
        <button type="button" className="chip" onClick={() => setDraft("")}>
          <Plus size={12} />
          {what}
        </button>
      )}
      {draft !== null && (
        <input
          className="chip-input"
          aria-label={`New ${what}`}
          // biome-ignore lint/a11y/noAutofocus: the field replaces what was clicked
          autoFocus
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={add}
          onKeyDown={(event) => {
            if (event.key === "Enter") add();
            if (event.key === "Escape") setDraft(null);
          }}
        />
      )}
    </div>
  );
}
