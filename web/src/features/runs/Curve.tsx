import type { Series } from "@/api/frames";

const WIDTH = 112;
const HEIGHT = 22;

/** The course of a metric, drawn small: shape only, each run over its own range. */
export function Curve({ series, color }: { series: Series | null | undefined; color: string }) {
  if (series === undefined) return <span className="curve-coming" />;
  if (series === null || series.x.length === 0) {
    return (
      <span className="cell-missing">
        <span aria-hidden="true">–</span>
        <span className="visually-hidden">missing</span>
      </span>
    );
  }
  return (
    <svg
      className="curve"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      aria-hidden="true"
    >
      <path d={curvePath(series.x, series.y)} fill="none" stroke={color} strokeWidth="1.4" />
    </svg>
  );
}

function curvePath(x: ArrayLike<number>, y: ArrayLike<number>): string {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < y.length; i++) {
    const value = y[i] ?? Number.NaN;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const first = x[0] ?? 0;
  const width = (x[x.length - 1] ?? first) - first || 1;
  const height = high - low || 1;
  let path = "";
  let down = false;
  for (let i = 0; i < x.length; i++) {
    const value = y[i] ?? Number.NaN;
    if (!Number.isFinite(value)) {
      down = false;
      continue;
    }
    const px = 1 + (((x[i] ?? 0) - first) / width) * (WIDTH - 2);
    const py = HEIGHT - 2 - ((value - low) / height) * (HEIGHT - 4);
    path += `${down ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`;
    down = true;
  }
  return path;
}
