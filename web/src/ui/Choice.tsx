interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  disabled?: boolean;
  onChange(value: NoInfer<Value>): void;
}

/** A short list of which one holds: the platform's own select, which phones and keyboards know. */
export function Choice<Value extends string>({
  label,
  value,
  options,
  disabled = false,
  onChange,
}: ChoiceProps<Value>) {
  return (
    <select
      className="choice"
      aria-label={label}
      value={value}
      disabled={disabled}
      onChange={(event) => {
        const found = options.find(([candidate]) => candidate === event.target.value);
        if (found) onChange(found[0]);
      }}
    >
      {options.map(([candidate, text]) => (
        <option key={candidate} value={candidate}>
          {text}
        </option>
      ))}
    </select>
  );
}
