import { useQuery } from "@tanstack/react-query";
import { fetchSeries } from "@/api/series";
import { formatNumber } from "@/ui/humanize";
import { useInView } from "@/ui/useInView";

interface AlertChartProps {
  runKey: string;
  metric: string;
  /** Where it was raised. */
  step: number;
  value: number | null;
  /** A bound to draw across; null for none. */
  bound: number | null;
}

const WIDTH = 260;
const HEIGHT = 84;
const LEFT = 2;
const TOP = 5;
const BOTTOM = 15;
const BUCKETS = 130;
/** Steps around the alert: at least so many, and a quarter of those that it took. */
const LEAST_SPAN = 50;

/** The metric around the step at which an alert was raised. */
export function AlertChart({ runKey, metric, step, value, bound }: AlertChartProps) {
  const [place, seen] = useInView<HTMLElement>();
  const span = Math.max(LEAST_SPAN, Math.round(step / 4));
  const range: [number, number] = [Math.max(0, step - span), step + Math.round(span / 2)];
  const series = useQuery({
    queryKey: ["alert-chart", runKey, metric, step],
    queryFn: async ({ signal }) => {
      const asked = { runs: [runKey], keys: [metric], x: "step" as const, range, buckets: BUCKETS };
      return (await fetchSeries(asked, signal)).series[0] ?? null;
    },
    enabled: seen,
    staleTime: 30_000,
    retry: false,
  });
  const points: [number, number][] = [];
  series.data?.x.forEach((x, at) => {
    const y = series.data?.y[at] ?? Number.NaN;
    points.push([x, y]);
  });
  const finite = points.filter(([, y]) => Number.isFinite(y));
  const ys = finite.map(([, y]) => y);
  if (bound !== null) ys.push(bound);
  if (value !== null && Number.isFinite(value)) ys.push(value);
  const low = Math.min(...ys);
  const high = Math.max(...ys);
  const left = Math.min(range[0], ...finite.map(([x]) => x));
  const right = Math.max(step + 1, ...finite.map(([x]) => x));
  const toX = (x: number) => LEFT + ((x - left) / Math.max(1, right - left)) * (WIDTH - 2 * LEFT);
  const toY = (y: number) =>
    high > low ? TOP + ((high - y) / (high - low)) * (HEIGHT - TOP - BOTTOM) : (HEIGHT - BOTTOM + TOP) / 2;
  const label = `${metric} around step ${step}`;
  return (
    <figure className="alert-chart" ref={place} aria-label={label}>
      {ys.length > 0 && (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
          <line className="axis" x1={LEFT} x2={WIDTH - LEFT} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
          {bound !== null && (
            <line className="bound" x1={LEFT} x2={WIDTH - LEFT} y1={toY(bound)} y2={toY(bound)} />
          )}
          <line className="at" x1={toX(step)} x2={toX(step)} y1={2} y2={HEIGHT - BOTTOM} />
          <path d={pathOf(points, toX, toY)} />
          {value !== null &&
            (Number.isFinite(value) ? (
              <circle cx={toX(step)} cy={toY(value)} r={3.2} />
            ) : (
              <path className="cross" d={cross(toX(step), TOP + 4)} />
            ))}
          <text x={LEFT} y={HEIGHT - 4}>
            {formatNumber(Math.round(left))}
          </text>
          <text x={WIDTH - LEFT} y={HEIGHT - 4} textAnchor="end">
            {formatNumber(Math.round(right))}
          </text>
        </svg>
      )}
      <figcaption>
        <span className="mono">{metric}</span>
        {ys.length > 0 && (
          <span>
            {formatNumber(low)} to {formatNumber(high)}
          </span>
        )}
      </figcaption>
    </figure>
  );
}

/** A line with gaps where there is no number. */
function pathOf(points: [number, number][], toX: (x: number) => number, toY: (y: number) => number): string {
  let path = "";
  let down = false;
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) {
      down = false;
      continue;
    }
    path += `${down ? "L" : "M"}${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`;
    // A point between two gaps would be a line of no length: it is drawn as a dot.
    if (!down) path += "h0.01";
    down = true;
  }
  return path;
}

function cross(x: number, y: number): string {
  return `M${x - 3} ${y - 3}l6 6m0-6l-6 6`;
}
