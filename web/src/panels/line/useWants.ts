import { useMemo } from "react";
import type { Statistic, Want } from "@/api/seriesLoader";
import { isMetricAxis } from "@/state/settings";
import type { Cast, Member } from "../cast";
import { bucketsFor } from "./buckets";
import { isExpression, type LineSettings } from "./settings";

/** Single runs behind groups; more are a grey cloud that costs as much as it hides. */
const FAINT_LINES = 150;
/** What the axis takes of a chart's width. */
const AXIS_PX = 54;

const NO_MEMBERS: readonly Member[] = [];

interface WantsRequest {
  cast: Cast;
  keys: readonly string[];
  settings: LineSettings;
  range: readonly [number, number] | null;
  /** Width of the chart; 0 = not laid out yet. */
  width: number;
}

interface Wants {
  wants: readonly Want[];
  /** Single runs that stand behind their groups. */
  faint: readonly Member[];
  /** How many more there would be. */
  faintLeft: number;
}

/** What a chart asks for: one want per key, with the single runs behind groups as subjects beside them. */
export function useWants({ cast, keys, settings, range, width }: WantsRequest): Wants {
  const { axis, center, spread: band, confidence, ranks } = settings;
  const behind = settings.faint && cast.grouped;
  const faint = useMemo(() => {
    if (!behind) return NO_MEMBERS;
    return spread(cast.runs, Math.floor(FAINT_LINES / Math.max(1, keys.length))).map(
      ({ key, label, slot }): Member => ({ id: key, runs: null, label, slot, ending: null }),
    );
  }, [behind, cast.runs, keys.length]);
  const faintSlots = useMemo(() => (faint.length > 0 ? dressed(faint, cast) : faint), [faint, cast]);
  const statistic = useMemo<Statistic | null>(
    () =>
      !cast.grouped || (center === "mean" && band === "std")
        ? null
        : { center, band, confidence: band === "ci" ? confidence : 0.95 },
    [cast.grouped, center, band, confidence],
  );
  const lines = keys.length * (cast.members.length + faint.length);
  const buckets = width > 0 ? bucketsFor(width - AXIS_PX, window.devicePixelRatio, lines) : 0;
  const wants = useMemo<readonly Want[]>(() => {
    if (buckets === 0) return [];
    const subjects = faint.length > 0 ? [...cast.members, ...faint] : cast.members;
    return keys.map((key) => ({
      ...{ key, axis, range, buckets, subjects, statistic },
      // What is joined within one process, an expression or another metric as x, has no band over them.
      ...(ranks === "band" && !cast.grouped && !isExpression(key) && !isMetricAxis(axis) ? { ranks } : {}),
    }));
  }, [keys, axis, range, buckets, cast.members, cast.grouped, faint, statistic, ranks]);
  return { wants, faint: faintSlots, faintLeft: behind ? cast.runs.length - faint.length : 0 };
}

/** At most *count* of all, evenly: the newest alone would show another picture than the group's. */
function spread<Item>(all: readonly Item[], count: number): readonly Item[] {
  if (all.length <= count) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]).filter(
    (item) => item !== undefined,
  );
}

/** Single runs in the colour of their group. */
function dressed(faint: readonly Member[], cast: Cast): readonly Member[] {
  const home = new Map(
    cast.members.flatMap((member) => (member.runs ?? []).map((run) => [run, member.slot])),
  );
  return faint.map((member) => ({ ...member, slot: home.get(member.id) ?? member.slot }));
}
