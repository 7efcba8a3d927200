import type { Series } from "@/api/frames";
import { smoothed } from "@/charts/core/ema";
import type { Line } from "@/charts/core/model";
import { slotColor, slotDash, type ThemeName } from "@/charts/core/palette";
import type { Cast } from "../cast";

/** Joins points with what their lines look like. */
export function buildLines(
  cast: Cast,
  series: ReadonlyMap<string, Series>,
  theme: ThemeName,
  smoothing: number,
): Line[] {
  const extent = fullExtent(series);
  const lines: Line[] = [];
  for (const member of cast.members) {
    const points = series.get(member.id);
    if (!points || (points.x.length === 0 && !points.nonfinite)) continue;
    const smooth = smoothing > 0 && points.x.length > 2;
    lines.push({
      id: member.id,
      label: member.label,
      color: slotColor(member.slot, theme),
      dash: slotDash(member.slot),
      x: points.x,
      y: smooth ? smoothed(points, smoothing, extent) : points.y,
      raw: smooth ? points.y : null,
      lo: points.lo,
      hi: points.hi,
      nonfinite: points.nonfinite,
      ghost: points.ghost,
      // Zoomed in, the last drawn point is not where the run ended.
      ending: endsInside(points) ? member.ending : null,
      members: member.runs ? new Set(member.runs) : null,
    });
  }
  return lines;
}

/** Length of the axis over all series, zoomed or not: smoothing must not change with the zoom. */
function fullExtent(series: ReadonlyMap<string, Series>): number {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { firstX, lastX } of series.values()) {
    if (firstX < low) low = firstX;
    if (lastX > high) high = lastX;
  }
  return high > low ? high - low : 0;
}

function endsInside(points: Series): boolean {
  const last = points.x[points.x.length - 1];
  return last === undefined || !(last < points.lastX);
}

/** Points drawn, and points there are in the range. */
export function countPoints(
  lines: readonly Line[],
  series: ReadonlyMap<string, Series>,
): { drawn: number; total: number } {
  let drawn = 0;
  let total = 0;
  for (const { id } of lines) {
    const points = series.get(id);
    if (!points) continue;
    drawn += points.x.length;
    total += points.total;
  }
  return { drawn, total };
}
