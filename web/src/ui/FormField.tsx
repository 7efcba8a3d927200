import type { ReactNode } from "react";

interface FieldProps {
  label: string;
  hint?: string | undefined;
  children: ReactNode;
}

/** A control with its name above it and, if it needs one, a hint below. */
export function Field({ label, hint, children }: FieldProps) {
  return (
    <div className="form-field">
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children */}
      <label className="form-field">
        {label}
        {children}
      </label>
      {hint && <small className="muted">{hint}</small>}
    </div>
  );
}

interface TypedFieldProps {
  label: string;
  value: string;
  /** Phones show the keys for numbers. */
  isNumber?: boolean;
  onChange(value: string): void;
}

/** A field for one line of text. */
export function TypedField({ label, value, isNumber = false, onChange }: TypedFieldProps) {
  return (
    <Field label={label}>
      <input
        className="text-input"
        inputMode={isNumber ? "decimal" : undefined}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
