import { ToggleGroup } from "radix-ui";

interface SegmentedProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange(value: NoInfer<Value>): void;
}

/** A few words of which one holds. */
export function Segmented<Value extends string>({ label, value, options, onChange }: SegmentedProps<Value>) {
  return (
    <ToggleGroup.Root
      className="segmented words"
      type="single"
      value={value}
      onValueChange={(next) => {
        const found = options.find(([candidate]) => candidate === next);
        if (found) onChange(found[0]);
      }}
      aria-label={label}
    >
      {options.map(([candidate, text]) => (
        <ToggleGroup.Item key={candidate} value={candidate}>
          {text}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
