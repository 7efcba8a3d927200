import { type RefObject, useMemo } from "react";
import { columnTitle } from "@/api/columns";
import type { LoadStatus } from "@/api/seriesLoader";
import type { KeyInfo } from "@/api/types";
import type { ChartModel, Line } from "@/charts/core/model";
import type { Settings } from "@/state/layout";
import { columnOf } from "@/state/settings";
import { useTheme } from "@/state/theme";
import { useCast, useKeys } from "../cast";
import { useZoom } from "../zoom";
import { buildLines, countPoints, seriesExtent } from "./lines";
import { type Painting, paintBy } from "./paint";
import { effective, type LineSettings, type Shown, shownKeys } from "./settings";
import { type SeriesMap, usePoints } from "./usePoints";
import { useRunValues } from "./useRunValues";
import { useWants } from "./useWants";

interface LineRequest {
  info: KeyInfo | null;
  asked: LineSettings;
  /** The panel's own settings. */
  own: Settings;
  width: number;
  visible: boolean;
  /** The range under the fingers while a pan or wheel zoom goes on. */
  moving: readonly [number, number] | null;
}

export interface LinePicture {
  settings: LineSettings;
  shown: Shown;
  infos: readonly (KeyInfo | null)[];
  model: ChartModel;
  /** The lines without those that stand faint behind groups. */
  lines: readonly Line[];
  series: SeriesMap;
  painting: Painting;
  counts: { drawn: number; total: number };
  status: LoadStatus;
  faintLeft: number;
  /** Why there are no colours by value. */
  trouble: Error | null;
}

/** From settings to a picture: which keys, whose points, in which look. */
export function useLine({ info, asked, own, width, visible, moving }: LineRequest): LinePicture {
  const cast = useCast();
  const theme = useTheme((store) => store.name);
  const { shown, infos, settings } = useShown(info, asked, own);
  const { axis, smoothing, smoothingKind, xLog, yLog, fit, band, spread, yRange } = settings;
  const [from, to] = settings.xRange;
  const zoom = useZoom().ranges[axis] ?? null;
  const range = useMemo(() => zoom ?? fetchedRange(from, to), [zoom, from, to]);
  const { wants, faint, faintLeft } = useWants({ cast, keys: shown.keys, settings, range, width });
  const { series, status } = usePoints(wants, visible);
  const { painting, trouble } = usePainting(settings);
  const all = useMemo(
    () => buildLines({ cast, keys: shown.keys, series, theme, smoothing, smoothingKind, faint, painting }),
    [cast, shown.keys, series, theme, smoothing, smoothingKind, faint, painting],
  );
  const lines = useMemo(() => all.filter(({ stand }) => stand !== "faint"), [all]);
  const counts = useMemo(() => countPoints(series), [series]);
  const unit = commonUnit(infos);
  const goal = infos.length === 1 ? (infos[0]?.goal ?? null) : null;
  const xWindow = useMemo(
    () => moving ?? zoom ?? openWindow(from, to, series),
    [moving, zoom, from, to, series],
  );
  const bands = cast.grouped ? spread !== "none" : band;
  const model = useMemo<ChartModel>(
    () => ({
      ...{ lines: all, axis, xLog, yLog, unit, goal, yRange },
      xRange: xWindow,
      yMode: fit ? "fit" : "robust",
      band: bands,
    }),
    [all, axis, xLog, yLog, unit, goal, yRange, xWindow, fit, bands],
  );
  return { settings, shown, infos, model, lines, series, painting, counts, status, faintLeft, trouble };
}

function useShown(info: KeyInfo | null, asked: LineSettings, own: Settings) {
  const allKeys = useKeys();
  const shown = useMemo(() => shownKeys(asked, info, allKeys), [asked, info, allKeys]);
  const infos = useMemo(
    () => (info ? [info] : shown.keys.map((key) => allKeys.find((other) => other.key === key) ?? null)),
    [info, shown, allKeys],
  );
  const settings = useMemo(() => effective(asked, own, infos), [asked, own, infos]);
  return { shown, infos, settings };
}

/** Colours and dashes by values of the runs, where the settings ask for them. */
export function usePainting({ colorBy, dashBy }: Pick<LineSettings, "colorBy" | "dashBy">): {
  painting: Painting;
  trouble: Error | null;
} {
  const cast = useCast();
  const theme = useTheme((store) => store.name);
  const colors = useMemo(() => columnOf(colorBy), [colorBy]);
  const dashes = useMemo(() => columnOf(dashBy), [dashBy]);
  const { values: colorValues, error: trouble } = useRunValues(colors);
  const { values: dashValues } = useRunValues(dashes);
  const painting = useMemo(
    () =>
      paintBy(
        colors && colorValues ? { title: columnTitle(colors), values: colorValues } : null,
        dashes && dashValues ? { title: columnTitle(dashes), values: dashValues } : null,
        cast.members,
        theme,
      ),
    [colors, colorValues, dashes, dashValues, cast.members, theme],
  );
  return { painting, trouble };
}

/** The unit that all keys share; none where they differ. */
function commonUnit(infos: readonly (KeyInfo | null)[]): string | null {
  const first = infos[0]?.unit ?? null;
  return infos.every((info) => (info?.unit ?? null) === first) ? first : null;
}

/** Beyond every step and every second. */
const FAR = 2 ** 53 - 1;

/** What is asked for where the ends are set by hand; the server takes an end that is open from the data. */
function fetchedRange(from: number | null, to: number | null): readonly [number, number] | null {
  if (from === null && to === null) return null;
  const [low, high] = [from ?? -FAR, to ?? FAR];
  return low < high ? [low, high] : null;
}

/** The x window that is set by hand; an end that is open is that of the data. */
function openWindow(
  from: number | null,
  to: number | null,
  series: SeriesMap,
): readonly [number, number] | null {
  if (from === null && to === null) return null;
  const [first, last] = seriesExtent(series);
  const [low, high] = [from ?? first, to ?? last];
  return low < high && Number.isFinite(low) && Number.isFinite(high) ? [low, high] : null;
}

/** Shows what the crosshair reads, without a render: it changes every frame. */
export function writeReadout(output: RefObject<HTMLOutputElement | null>, text: string | null): void {
  if (output.current && output.current.textContent !== (text ?? "")) output.current.textContent = text;
}
