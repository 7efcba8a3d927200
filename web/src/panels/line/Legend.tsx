import type { Line } from "@/charts/core/model";
import { rampColor } from "@/charts/core/ramp";
import { clearHover, setHover } from "@/state/hover";
import { useTheme } from "@/state/theme";
import { formatNumber } from "@/ui/humanize";
import { Swatch } from "@/ui/Swatch";
import { type ColorKey, type DashKey, rampPlace } from "./paint";

interface LegendProps {
  lines: readonly Line[];
  /** What colours mean, where they follow a value. */
  colors: ColorKey | null;
  dashes: DashKey | null;
}

/** Names of the lines, or what their colours mean; pointing at one highlights it everywhere. */
export function Legend({ lines, colors, dashes }: LegendProps) {
  return (
    <div className="legends">
      {colors && <ColorLegend colors={colors} />}
      {dashes && (
        <ul className="legend" aria-label={`Line style by ${dashes.title}`}>
          <li className="legend-title">{dashes.title}</li>
          {dashes.classes.map(({ label, dash }) => (
            <li key={label} title={label}>
              <Swatch color="var(--text-2)" dash={dash} />
              <span>{label}</span>
            </li>
          ))}
        </ul>
      )}
      {lines.length > 0 && (
        <ul className="legend">
          {lines.map((line) => (
            <li
              key={line.id}
              onPointerEnter={() => setHover({ id: line.subject, cursor: null })}
              onPointerLeave={clearHover}
              title={line.label}
            >
              <Swatch color={line.color} dash={line.dash} />
              <span>{line.label}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const RAMP_STEPS = [0, 0.25, 0.5, 0.75, 1];

function ColorLegend({ colors }: { colors: ColorKey }) {
  const theme = useTheme((store) => store.name);
  if (colors.kind === "classes") {
    return (
      <ul className="legend" aria-label={`Colour by ${colors.title}`}>
        <li className="legend-title">{colors.title}</li>
        {colors.classes.map(({ label, color }) => (
          <li key={label} title={label}>
            <Swatch color={color} dash={[]} />
            <span>{label}</span>
          </li>
        ))}
      </ul>
    );
  }
  const ramp = RAMP_STEPS.map((t) => rampColor(rampPlace(t), theme)).join(", ");
  return (
    <p className="ramp">
      <span>
        {colors.title}
        {colors.log && " (log)"}
      </span>
      <b>{formatNumber(colors.low)}</b>
      <i style={{ backgroundImage: `linear-gradient(to right, ${ramp})` }} />
      <b>{formatNumber(colors.high)}</b>
      {colors.missing && <span>grey: not set</span>}
    </p>
  );
}
