interface SparklineProps {
  /** NaN breaks the line. */
  values: readonly number[];
}

const WIDTH = 240;
const HEIGHT = 44;

/** A line without axes: shape only. */
export function Sparkline({ values }: SparklineProps) {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low || 1;
  let path = "";
  let down = false;
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) {
      down = false;
      return;
    }
    const x = values.length > 1 ? (index / (values.length - 1)) * WIDTH : 0;
    const y = HEIGHT - 3 - ((value - low) / span) * (HEIGHT - 6);
    path += `${down ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    down = true;
  });
  return (
    <svg
      className="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={path} fill="none" stroke="currentColor" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
