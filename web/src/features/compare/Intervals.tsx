import type { SeedGroup } from "@/api/statistics";
import { parseNumber } from "@/api/types";
import { formatNumber } from "@/ui/humanize";

export interface IntervalScale {
  low: number;
  high: number;
}

const HEIGHT = 22;

/** Room for all runs and all intervals, so that rows can be compared by eye. */
export function intervalScale(groups: readonly SeedGroup[]): IntervalScale {
  const numbers = groups.flatMap(({ values, ci, n }) => [
    ...values.map(parseNumber),
    // The interval of two runs may be as wide as the world; the dots are what matters then.
    ...(n > 2 && ci ? ci.map(parseNumber) : []),
  ]);
  const finite = numbers.filter((value): value is number => value !== null && Number.isFinite(value));
  if (finite.length === 0) return { low: 0, high: 1 };
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const air = (high - low) * 0.04 || Math.abs(low) * 0.05 || 0.5;
  return { low: low - air, high: high + air };
}

/** The runs of a group as dots, its mean as a bar, the interval of the mean as a line. */
export function Intervals({
  group,
  scale,
  chosen,
}: {
  group: SeedGroup;
  scale: IntervalScale;
  chosen: boolean;
}) {
  const place = (value: number) => {
    const share = (value - scale.low) / (scale.high - scale.low);
    return `${(Math.max(0, Math.min(1, share)) * 100).toFixed(2)}%`;
  };
  const mean = parseNumber(group.mean);
  const [low, high] = [parseNumber(group.ci?.[0]), parseNumber(group.ci?.[1])];
  const middle = HEIGHT / 2;
  const text =
    mean === null
      ? "no value"
      : `mean ${formatNumber(mean)}${low !== null && high !== null ? `, interval ${formatNumber(low)} to ${formatNumber(high)}` : ""}`;
  return (
    <svg className={`intervals ${chosen ? "chosen" : ""}`} height={HEIGHT} role="img" aria-label={text}>
      <title>{text}</title>
      {low !== null && high !== null && (
        <line className="interval" x1={place(low)} x2={place(high)} y1={middle} y2={middle} />
      )}
      {group.values.map((wire, i) => {
        const value = parseNumber(wire);
        return value !== null && Number.isFinite(value) ? (
          <circle key={group.runs[i]} className="dot" cx={place(value)} cy={middle} r="3" />
        ) : null;
      })}
      {mean !== null && Number.isFinite(mean) && (
        <line className="mean" x1={place(mean)} x2={place(mean)} y1={middle - 7} y2={middle + 7} />
      )}
    </svg>
  );
}
