import type { CSSProperties } from "react";
import type { MediaItem } from "@/api/media";
import { type MediaValue, valuesOf } from "@/api/mediaValue";
import { slotColor, slotDash } from "@/charts/core/palette";
import type { OverlayView } from "@/media/image/overlays";
import { MediaView } from "@/media/MediaView";
import { TextView } from "@/media/text/TextView";
import { useTheme } from "@/state/theme";
import { formatCount } from "@/ui/humanize";
import { Swatch } from "@/ui/Swatch";
import type { CastRun } from "../cast";
import { useMediaAt } from "./useMedia";

interface TilesProps {
  panelKey: string;
  kind: string;
  runs: readonly CastRun[];
  /** Tiles say whose they are. */
  named: boolean;
  step: number | null;
  wanted: boolean;
  overlay?: OverlayView;
  /** All the room there is. */
  fullScreen?: boolean;
  onOpen?(tile: { run: CastRun; item: MediaItem; index: number }): void;
}

interface Tile {
  run: CastRun;
  item: MediaItem;
  /** Among the values of the step. */
  index: number;
  value: MediaValue | null;
  /** Where the value is text. */
  text: string;
  /** There are other values at the step. */
  many: boolean;
}

/** Tiles of one panel; all are in the full screen. */
const TILES = 48;

/** Audio and text are low; the rest fills the screen when there is little of it. */
const FEW = 3;

/** Class and style of a list of *count* tiles. */
export function tileList(kind: string, count: number, fullScreen: boolean) {
  const few = fullScreen && count > 1 && count <= FEW && kind !== "audio-file" && kind !== "text";
  return {
    className: `tiles tiles-${kind.replace(/-file$/, "")} ${count === 1 ? "single" : ""} ${few ? "few" : ""}`,
    style: { "--count": count } as CSSProperties,
  };
}

/** What each run has at a step, side by side. */
export function Tiles({
  panelKey,
  kind,
  runs,
  named,
  step,
  wanted,
  overlay,
  fullScreen = false,
  onOpen,
}: TilesProps) {
  const { items, error, loading } = useMediaAt(
    runs.map((run) => run.key),
    panelKey,
    step,
    wanted,
  );
  const shownSteps = new Set(items.map((item) => item.step));
  const tiles = runs.flatMap((run) =>
    items
      .filter((item) => item.run === run.key)
      .flatMap((item): Tile[] =>
        typeof item.value === "string"
          ? [{ run, item, index: 0, value: null, text: item.value, many: false }]
          : valuesOf(item.value).map((value, index, all) => ({
              run,
              item,
              index,
              value,
              text: "",
              many: all.length > 1,
            })),
      ),
  );
  if (error) return <p className="media-trouble">{error.message}</p>;
  if (tiles.length === 0) {
    return (
      <p className="media-note">{loading ? "" : "No shown run has anything at this step or before it."}</p>
    );
  }
  const shown = tiles.slice(0, TILES);
  return (
    <ul {...tileList(kind, shown.length, fullScreen)}>
      {shown.map(({ run, item, index, value, text, many }) => {
        const caption = value && "caption" in value ? value.caption : undefined;
        const label = `${panelKey} of ${run.label} at step ${item.step}${many ? `, ${index + 1}` : ""}`;
        const odd = shownSteps.size > 1 || (step !== null && item.step !== step);
        return (
          <li
            key={`${run.key}:${index}`}
            className="tile"
            data-run={run.key}
            data-step={item.step}
            data-index={index}
          >
            <div className="tile-view">
              {value ? (
                <MediaView
                  runKey={run.key}
                  value={value}
                  wanted={wanted}
                  label={label}
                  {...(overlay ? { overlay } : {})}
                />
              ) : (
                <TextView text={text} />
              )}
              {onOpen && value?._type === "image-file" && (
                <button
                  type="button"
                  className="tile-open"
                  aria-label={`Enlarge ${label}`}
                  onClick={() => onOpen({ run, item, index })}
                />
              )}
            </div>
            {(named || caption || odd || many) && (
              <TileCaption run={named ? run : null} caption={caption} step={odd ? item.step : null} />
            )}
          </li>
        );
      })}
      {tiles.length > TILES && <li className="tile-more">+{formatCount(tiles.length - TILES)} more</li>}
    </ul>
  );
}

interface TileCaptionProps {
  run: CastRun | null;
  caption: string | undefined;
  /** Where it is not the step of the panel. */
  step: number | null;
}

export function TileCaption({ run, caption, step }: TileCaptionProps) {
  const theme = useTheme((store) => store.name);
  return (
    <p className="tile-caption">
      {run && (
        <>
          <Swatch color={slotColor(run.slot, theme)} dash={slotDash(run.slot)} />
          <b title={run.label}>{run.label}</b>
        </>
      )}
      {caption && <span title={caption}>{caption}</span>}
      {step !== null && <small>step {formatCount(step)}</small>}
    </p>
  );
}
