import { ChevronDown } from "lucide-react";
import { useMemo } from "react";
import type { KeyInfo } from "@/api/types";
import { axisLabel } from "@/charts/core/axes";
import type { Axis } from "@/charts/core/model";
import { sortedKeys } from "@/state/arrangement";
import { readAxis } from "@/state/settings";
import { Picker } from "@/ui/Picker";
import { useKeys } from "../cast";

const AXES: readonly { value: Axis; label: string }[] = [
  { value: "step", label: "Step" },
  { value: "relative", label: "Time since start" },
  { value: "wall", label: "Wall time" },
];

/** What the x axis can be: steps, times, and every metric. */
export function useAxisOptions(keys: readonly KeyInfo[]) {
  return useMemo(
    () => [
      ...AXES.map((option) => ({ ...option, note: "" })),
      ...sortedKeys(keys)
        .filter((info) => info.kind === "number")
        .map((info) => ({ value: `metric:${info.key}`, label: info.key, note: "metric" })),
    ],
    [keys],
  );
}

export function axisName(axis: Axis): string {
  return AXES.find((option) => option.value === axis)?.label ?? axisLabel(axis);
}

/** Chooses the x axis. */
export function AxisField({ value, onChange }: { value: Axis; onChange(axis: Axis): void }) {
  const options = useAxisOptions(useKeys());
  return (
    <Picker
      label="X axis"
      align="end"
      options={options}
      selected={[value]}
      onPick={(picked) => onChange(readAxis(picked) ?? value)}
      trigger={
        <button type="button" className="button small" aria-label={`X axis: ${axisName(value)}`}>
          <span className="button-text">{axisName(value)}</span>
          <ChevronDown size={12} />
        </button>
      }
    />
  );
}
