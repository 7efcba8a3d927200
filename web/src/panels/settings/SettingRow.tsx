import { RotateCcw } from "lucide-react";
import type { ReactNode } from "react";

interface SettingRowProps {
  label: string;
  /** The value is the panel's (or section's) own and not inherited. */
  overridden?: boolean | undefined;
  /** Takes it back to what is inherited. */
  onReset?: (() => void) | undefined;
  /** One line below, where the name does not say enough. */
  note?: ReactNode;
  /** The control has a line of its own below the label. */
  wide?: boolean;
  children: ReactNode;
}

/** One setting: its name, its control, and whether it is overridden here. */
export function SettingRow({
  label,
  overridden = false,
  onReset,
  note,
  wide = false,
  children,
}: SettingRowProps) {
  return (
    <div className={`setting ${overridden ? "own" : ""} ${wide ? "wide" : ""}`}>
      <span className="setting-label">
        {label}
        {overridden && onReset && (
          <button
            type="button"
            className="setting-reset"
            aria-label={`Reset ${label}`}
            title="Overridden here. Click to inherit it again."
            onClick={onReset}
          >
            <RotateCcw size={11} />
          </button>
        )}
      </span>
      <span className="setting-control">{children}</span>
      {note && <small className="setting-note">{note}</small>}
    </div>
  );
}

/** A heading between settings. */
export function SettingGroup({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="setting-group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}
