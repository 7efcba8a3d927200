import { ChevronDown, X } from "lucide-react";
import { Switch as Primitive } from "radix-ui";
import { useEffect, useMemo, useState } from "react";
import { type Column, columnId, columnName, columnTitle, METRIC, metricOf, RUN_FIELDS } from "@/api/columns";
import type { KeyInfo } from "@/api/types";
import { sortedKeys } from "@/state/arrangement";
import { Choice } from "@/ui/Choice";
import { Picker } from "@/ui/Picker";
import { useConfigKeys, useKeys } from "../cast";

interface SwitchProps {
  label: string;
  checked: boolean;
  onChange(checked: boolean): void;
}

export function Switch({ label, checked, onChange }: SwitchProps) {
  return (
    <Primitive.Root className="switch" aria-label={label} checked={checked} onCheckedChange={onChange}>
      <Primitive.Thumb className="switch-thumb" />
    </Primitive.Root>
  );
}

interface NumberFieldProps {
  label: string;
  value: number | null;
  placeholder?: string;
  onChange(value: number | null): void;
}

/** A number that may be left empty. It holds as soon as it is one: the chart follows each digit. */
export function NumberField({ label, value, placeholder = "auto", onChange }: NumberFieldProps) {
  const [text, setText] = useState(value === null ? "" : String(value));
  useEffect(() => {
    setText((now) => (readNumber(now) === value ? now : value === null ? "" : String(value)));
  }, [value]);
  return (
    <input
      className="text-input number-input"
      inputMode="decimal"
      aria-label={label}
      aria-invalid={text.trim() !== "" && readNumber(text) === null}
      placeholder={placeholder}
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        const number = readNumber(event.target.value);
        if (number !== value && (number !== null || event.target.value.trim() === "")) onChange(number);
      }}
      onBlur={() => setText(value === null ? "" : String(value))}
    />
  );
}

/** A typed number: 1e-3, 2.5k, 10M. */
export function readNumber(text: string): number | null {
  const match = /^\s*([-+−]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([kMG])?\s*$/i.exec(text);
  if (!match?.[1]) return null;
  const unit = { k: 1e3, m: 1e6, g: 1e9 }[match[2]?.toLowerCase() ?? ""] ?? 1;
  const value = Number(match[1].replace("−", "-")) * unit;
  return Number.isFinite(value) ? value : null;
}

export type OpenRange = readonly [number | null, number | null];

interface RangeFieldProps {
  label: string;
  value: OpenRange;
  onChange(value: OpenRange): void;
}

/** Two ends, each of which may be left to the data. */
export function RangeField({ label, value, onChange }: RangeFieldProps) {
  return (
    <span className="range-field">
      <NumberField label={`${label} from`} value={value[0]} onChange={(low) => onChange([low, value[1]])} />
      <span aria-hidden="true">–</span>
      <NumberField label={`${label} to`} value={value[1]} onChange={(high) => onChange([value[0], high])} />
    </span>
  );
}

interface TextFieldProps {
  label: string;
  value: string;
  placeholder?: string;
  onChange(value: string): void;
}

export function TextField({ label, value, placeholder, onChange }: TextFieldProps) {
  return (
    <input
      className="text-input"
      aria-label={label}
      placeholder={placeholder}
      value={value}
      spellCheck={false}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

const isDrawable = ({ kind, hidden }: KeyInfo) => !hidden && (kind === "number" || kind === "system");

interface KeyFieldProps {
  label: string;
  value: readonly string[];
  accepts?: (info: KeyInfo) => boolean;
  onChange(value: readonly string[]): void;
}

/** Several keys: chips of those chosen, and a picker for more. */
export function KeysField({ label, value, accepts = isDrawable, onChange }: KeyFieldProps) {
  const keys = useKeys();
  const options = useMemo(
    () =>
      sortedKeys(keys)
        .filter(accepts)
        .map(({ key, kind }) => ({ value: key, label: key, note: kind === "system" ? "system" : "" })),
    [keys, accepts],
  );
  const toggle = (key: string) =>
    onChange(value.includes(key) ? value.filter((other) => other !== key) : [...value, key]);
  return (
    <span className="chips">
      {value.map((key) => (
        <button
          type="button"
          key={key}
          className="chip"
          title={key}
          aria-label={`Remove ${key}`}
          onClick={() => toggle(key)}
        >
          <span className="chip-text">{key}</span>
          <X size={12} />
        </button>
      ))}
      <Picker
        label={label}
        options={options}
        selected={value}
        keepOpen
        onPick={toggle}
        trigger={
          <button type="button" className="chip on">
            Choose…
          </button>
        }
      />
    </span>
  );
}

const AGG_CHOICES = [
  ["last", "last"],
  ["min", "min"],
  ["max", "max"],
  ["mean", "mean"],
  ["first", "first"],
] as const;

interface ColumnFieldProps {
  label: string;
  value: Column | null;
  /** What no column is called; absent = a column must be chosen. */
  none?: string;
  onChange(value: Column | null): void;
}

/** One value per run: a config key, a metric (and which of its values), or a field of the run. */
export function ColumnField({ label, value, none, onChange }: ColumnFieldProps) {
  const keys = useKeys();
  const configKeys = useConfigKeys();
  const options = useMemo(
    () => [
      ...(none === undefined ? [] : [{ value: "", label: none, note: "" }]),
      ...configKeys.map((key) => ({ value: `config.${key}`, label: key, note: "config" })),
      ...sortedKeys(keys)
        .filter(isDrawable)
        .map(({ key, kind }) => ({
          value: METRIC + key,
          label: key,
          note: kind === "system" ? "system" : "metric",
        })),
      ...RUN_FIELDS.map((field) => ({ value: field, label: columnName({ by: field }).name, note: "run" })),
    ],
    [keys, configKeys, none],
  );
  const metric = value ? metricOf(value) : null;
  const agg = AGG_CHOICES.find(([candidate]) => candidate === (value?.agg ?? "last"))?.[0] ?? "last";
  return (
    <span className="column-field">
      <Picker
        label={label}
        align="end"
        options={options}
        selected={[value?.by ?? ""]}
        onPick={(by) => onChange(by === "" ? null : by.startsWith(METRIC) ? { by, agg: "last" } : { by })}
        trigger={
          <button
            type="button"
            className="button small"
            aria-label={`${label}: ${value ? columnTitle(value) : (none ?? "choose")}`}
            key={value ? columnId(value) : ""}
          >
            <span className="button-text">{value ? columnName(value).name : (none ?? "Choose…")}</span>
            <ChevronDown size={12} />
          </button>
        }
      />
      {metric !== null && value && (
        <Choice
          label={`Which value of ${metric}`}
          value={agg}
          options={AGG_CHOICES}
          onChange={(next) => onChange({ by: value.by, agg: next })}
        />
      )}
    </span>
  );
}
