import { useId } from "react";
import type { KeyInfo } from "@/api/types";

interface MetricInputProps {
  value: string;
  /** What the project has logged; only numbers are offered. */
  keys: readonly KeyInfo[];
  onChange(value: string): void;
}

/** A browser's list of suggestions is searched while typing: thousands would make that slow. */
const OFFERED = 500;

/** A metric's name, or a pattern, with those of the project to choose from. */
export function MetricInput({ value, keys, onChange }: MetricInputProps) {
  const id = useId();
  const typed = value.toLowerCase();
  const numbers = keys.filter(({ kind }) => kind === "number" || kind === "system");
  const fitting =
    numbers.length > OFFERED ? numbers.filter(({ key }) => key.toLowerCase().includes(typed)) : numbers;
  return (
    <>
      <input
        className="text-input mono"
        list={id}
        value={value}
        spellCheck={false}
        autoCapitalize="none"
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={id}>
        {fitting.slice(0, OFFERED).map(({ key }) => (
          <option key={key} value={key} />
        ))}
      </datalist>
    </>
  );
}
