interface SwatchProps {
  color: string;
  dash: readonly number[];
}

/** A short piece of a run's line. */
export function Swatch({ color, dash }: SwatchProps) {
  return (
    <svg className="swatch" width="16" height="12" aria-hidden="true">
      <line
        x1="1"
        x2="15"
        y1="6"
        y2="6"
        stroke={color}
        strokeWidth="3.5"
        strokeLinecap={dash.length > 0 ? "butt" : "round"}
        strokeDasharray={dash.length > 0 ? dash.join(" ") : undefined}
      />
    </svg>
  );
}
