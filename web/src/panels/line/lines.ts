import type { Series } from "@/api/frames";
import type { Line, Stand } from "@/charts/core/model";
import { dashOf, slotColor, slotDash, type ThemeName } from "@/charts/core/palette";
import { type SmoothingKind, smoothed } from "@/charts/core/smoothing";
import type { Cast, Member } from "../cast";
import type { Painting } from "./paint";
import { type SeriesMap, seriesId } from "./usePoints";

export interface LineRequest {
  cast: Cast;
  keys: readonly string[];
  series: SeriesMap;
  theme: ThemeName;
  smoothing: number;
  smoothingKind: SmoothingKind;
  /** Single runs of groups, to stand behind them. */
  faint: readonly Member[];
  /** Colours and dashes by a value of the runs. */
  painting: Painting;
}

const STANDS: readonly Stand[] = ["faint", "normal", "pinned", "baseline"];

/** Joins points with what their lines look like, those to be drawn on top last. */
export function buildLines(request: LineRequest): Line[] {
  const { cast, keys, series, faint } = request;
  const extent = fullExtent(series);
  const lines: Line[] = [];
  keys.forEach((key, place) => {
    for (const member of faint) {
      const line = buildLine(request, { key, place, member, stand: "faint", extent });
      if (line) lines.push(line);
    }
    for (const member of cast.members) {
      const line = buildLine(request, { key, place, member, stand: standOf(cast, member), extent });
      if (line) lines.push(line);
    }
  });
  return lines.sort((a, b) => STANDS.indexOf(a.stand) - STANDS.indexOf(b.stand));
}

function standOf(cast: Cast, member: Member): Stand {
  if (cast.baseline === member.id) return "baseline";
  return cast.pinned.has(member.id) ? "pinned" : "normal";
}

interface Part {
  key: string;
  /** Which of the panel's keys it is. */
  place: number;
  member: Member;
  stand: Stand;
  extent: number;
}

function buildLine(request: LineRequest, { key, place, member, stand, extent }: Part): Line | null {
  const { cast, keys, theme, smoothing, smoothingKind, painting } = request;
  const points = request.series.get(seriesId(key, member.id));
  if (!points || (points.x.length === 0 && !points.nonfinite)) return null;
  const smooth = smoothing > 0 && points.x.length > 2;
  const several = keys.length > 1;
  // One run alone tells its keys by colour; where runs have the colours, keys have the dashes.
  const alone = several && cast.members.length === 1;
  const slot = alone ? place : member.slot;
  return {
    id: several || stand === "faint" ? seriesId(key, member.id) : member.id,
    subject: member.id,
    stand,
    label: !several ? member.label : alone ? key : `${key} · ${member.label}`,
    color: painting.color(member) ?? slotColor(slot, theme),
    dash: painting.dash(member) ?? (several && !alone ? dashOf(place) : slotDash(slot)),
    x: points.x,
    y: smooth ? smoothed(points, smoothingKind, smoothing, extent) : points.y,
    raw: smooth && stand !== "faint" ? points.y : null,
    lo: stand === "faint" ? null : points.lo,
    hi: stand === "faint" ? null : points.hi,
    nonfinite: points.nonfinite,
    ghost: points.ghost,
    // Zoomed in, the last drawn point is not where the run ended.
    ending: endsInside(points) ? member.ending : null,
    members: member.runs ? new Set(member.runs) : null,
  };
}

/** Length of the axis over all series, zoomed or not: smoothing must not change with the zoom. */
function fullExtent(series: SeriesMap): number {
  const [low, high] = seriesExtent(series);
  return high > low ? high - low : 0;
}

/** First and last x of all series; `[Infinity, -Infinity]` if there is none. */
export function seriesExtent(series: SeriesMap): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { firstX, lastX } of series.values()) {
    if (firstX < low) low = firstX;
    if (lastX > high) high = lastX;
  }
  return [low, high];
}

function endsInside(points: Series): boolean {
  const last = points.x[points.x.length - 1];
  return last === undefined || !(last < points.lastX);
}

/** Points drawn, and points there are in the range. */
export function countPoints(series: SeriesMap): { drawn: number; total: number } {
  let drawn = 0;
  let total = 0;
  for (const points of series.values()) {
    drawn += points.x.length;
    total += points.total;
  }
  return { drawn, total };
}
