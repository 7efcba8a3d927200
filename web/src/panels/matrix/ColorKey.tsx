import { useId } from "react";
import type { ThemeName } from "@/charts/core/palette";
import { formatNumber } from "@/ui/humanize";
import { Swatch } from "@/ui/Swatch";
import { type Coloring, rampStep } from "./colors";

/** More names than these say less than pointing does. */
const NAMES = 8;
const STOPS = [0, 0.25, 0.5, 0.75, 1];

/** What the colours of a picture mean. */
export function ColorKey({
  coloring,
  label,
  theme,
}: {
  coloring: Coloring;
  label: string;
  theme: ThemeName;
}) {
  const id = useId();
  const { ramp, names } = coloring;
  if (ramp) {
    return (
      <span className="color-key">
        <span>{label}</span>
        <b>{formatNumber(ramp.low)}</b>
        <svg width="72" height="8" aria-hidden="true">
          <defs>
            <linearGradient id={id}>
              {STOPS.map((stop) => (
                <stop key={stop} offset={stop} stopColor={rampStep(stop, theme)} />
              ))}
            </linearGradient>
          </defs>
          <rect width="72" height="8" rx="4" fill={`url(#${id})`} />
        </svg>
        <b>{formatNumber(ramp.high)}</b>
        {ramp.log && <span>log</span>}
      </span>
    );
  }
  if (names.length === 0) return null;
  return (
    <ul className="legend color-names" aria-label={label}>
      {names.slice(0, NAMES).map(({ name, color }) => (
        <li key={name}>
          <Swatch color={color} dash={[]} />
          <span>{name}</span>
        </li>
      ))}
      {names.length > NAMES && <li>+{names.length - NAMES}</li>}
    </ul>
  );
}
