import type { LoadStatus } from "@/api/seriesLoader";
import { formatCount } from "@/ui/humanize";

interface PointsNoteProps {
  counts: { drawn: number; total: number };
  lines: number;
  density: boolean;
  status: LoadStatus;
  smoothing: number;
  /** Single runs that would stand behind their groups and are too many. */
  faintLeft: number;
}

/** Says how much of the truth the picture shows: "400 of 24,000 points". */
export function PointsNote({ counts, lines, density, status, smoothing, faintLeft }: PointsNoteProps) {
  const { drawn, total } = counts;
  if (lines === 0) return <span className="points-note">{status === "loading" ? "Loading…" : ""}</span>;
  const thinned = drawn < total;
  const bands = density ? "Bands hold 50 % and 90 % of the lines; the line is their median. " : "";
  const title = thinned
    ? "Points are gathered into buckets of about one pixel; each keeps its lowest and highest value. Zoom in for every point."
    : "Every point is drawn.";
  const text = thinned
    ? `${formatCount(drawn)} of ${formatCount(total)} points`
    : `${formatCount(total)} ${total === 1 ? "point" : "points"}`;
  return (
    <span className="points-note" title={bands + title}>
      {density && `quantiles of ${formatCount(lines)} lines · `}
      {text}
      {smoothing > 0 && ` · smoothed ${smoothing}`}
      {faintLeft > 0 && ` · ${formatCount(faintLeft)} more runs not drawn singly`}
      {status === "loading" && " · loading…"}
    </span>
  );
}
