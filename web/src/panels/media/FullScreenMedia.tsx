import { useState } from "react";
import type { MediaItem } from "@/api/media";
import { type ImageValue, type MediaValue, valuesOf } from "@/api/mediaValue";
import type { KeyInfo } from "@/api/types";
import type { HistogramLook } from "@/media/histogram/paint";
import { OverlayControls } from "@/media/image/OverlayControls";
import { type OverlayView, SHOW_ALL } from "@/media/image/overlays";
import { TableView } from "@/media/table/TableView";
import { Choice } from "@/ui/Choice";
import { Segmented } from "@/ui/Segmented";
import { type CastRun, useCast } from "../cast";
import { HistogramRuns } from "./HistogramRuns";
import { ImageComparison } from "./ImageComparison";
import { ImageZoom } from "./ImageZoom";
import { MediaGrid } from "./MediaGrid";
import { PlotRuns } from "./PlotRuns";
import { Tiles } from "./Tiles";
import { useMediaAt } from "./useMedia";

interface FullScreenMediaProps {
  info: KeyInfo;
  kind: string;
  runs: readonly CastRun[];
  steps: readonly number[];
  step: number | null;
  look: HistogramLook;
  onLook(look: HistogramLook): void;
  mode: MediaMode;
  onMode(mode: MediaMode): void;
  /** Whether plots of several runs stand in one frame; null = they are none, or of one run. */
  together: boolean | null;
  onTogether(together: boolean): void;
}

/** One step of all runs, steps beside each other, or two images on each other. */
export type MediaMode = "step" | "grid" | "compare";

/** A key with all the room there is. */
export function FullScreenMedia(props: FullScreenMediaProps) {
  const { info, kind, runs, step, look, onLook } = props;
  const cast = useCast();
  if (kind === "histogram") {
    return (
      <>
        <div className="media-bar">
          <Segmented
            label="How to draw"
            value={look.mode}
            options={[
              ["heat", "Map"],
              ["ridges", "Ridges"],
            ]}
            onChange={(mode) => onLook({ ...look, mode })}
          />
          <Segmented
            label="What to draw"
            value={look.measure}
            options={[
              ["density", "Density"],
              ["count", "Count"],
            ]}
            onChange={(measure) => onLook({ ...look, measure })}
          />
          <label className="check">
            <input
              type="checkbox"
              checked={look.log}
              onChange={(event) => onLook({ ...look, log: event.target.checked })}
            />
            Logarithmic colours
          </label>
        </div>
        <div className="media-full-body">
          <HistogramRuns
            panelKey={info.key}
            runs={runs}
            named={cast.named}
            look={look}
            step={step}
            wanted
            all
          />
        </div>
      </>
    );
  }
  return kind === "table-file" ? <TableOfRun {...props} /> : <Modes {...props} />;
}

const FRAMES = [
  ["one", "One frame"],
  ["each", "Side by side"],
] as const;

function Modes(props: FullScreenMediaProps) {
  const { info, kind, runs, steps, step, mode, onMode, together, onTogether } = props;
  const cast = useCast();
  const image = kind === "image-file";
  const [overlay, setOverlay] = useState<OverlayView>(SHOW_ALL);
  const [zoomed, setZoomed] = useState<{ run: CastRun; index: number } | null>(null);
  const { items } = useMediaAt(
    runs.map((run) => run.key),
    info.key,
    step,
    true,
  );
  const images = image ? imagesOf(items) : [];
  const options: (readonly [MediaMode, string])[] = [
    ["step", "One step"],
    ["grid", "Grid"],
  ];
  if (
    image &&
    (runs.length > 1 || steps.length > 1 || images.length > 1 || images.some((one) => one.masks))
  ) {
    options.push(["compare", "Compare"]);
  }
  return (
    <>
      <div className="media-bar">
        {options.length > 1 && (
          <Segmented
            label="How to look"
            value={mode}
            options={options}
            onChange={(next) => {
              onMode(next);
              setZoomed(null);
            }}
          />
        )}
        {together !== null && mode === "step" && (
          <Segmented
            label="Runs"
            value={together ? "one" : "each"}
            options={FRAMES}
            onChange={(frames) => onTogether(frames === "one")}
          />
        )}
        <OverlayControls images={images} view={overlay} onChange={setOverlay} />
      </div>
      <div className="media-full-body">
        {mode === "grid" ? (
          <MediaGrid info={info} runs={runs} steps={steps} overlay={overlay} />
        ) : mode === "compare" ? (
          <ImageComparison panelKey={info.key} runs={runs} steps={steps} step={step} overlay={overlay} />
        ) : together ? (
          <PlotRuns panelKey={info.key} runs={runs} step={step} wanted fullScreen />
        ) : zoomed ? (
          <ImageZoom
            items={items}
            runs={runs}
            start={zoomed}
            overlay={overlay}
            panelKey={info.key}
            onClose={() => setZoomed(null)}
          />
        ) : image && images.length === 1 && items[0] ? (
          <ImageZoom
            items={items}
            runs={runs}
            start={{ run: runs.find(({ key }) => key === items[0]?.run) ?? runs[0], index: 0 }}
            overlay={overlay}
            panelKey={info.key}
            onClose={null}
          />
        ) : (
          <Tiles
            panelKey={info.key}
            kind={kind}
            runs={runs}
            named={cast.named}
            step={step}
            wanted
            fullScreen
            overlay={overlay}
            onOpen={({ run, index }) => setZoomed({ run, index })}
          />
        )}
      </div>
    </>
  );
}

export function imagesOf(items: readonly MediaItem[]): ImageValue[] {
  return items
    .flatMap((item): MediaValue[] => valuesOf(item.value))
    .filter((value): value is ImageValue => value._type === "image-file");
}

/** A table fills the screen, so it is one run's at a time. */
function TableOfRun({ info, runs, step }: FullScreenMediaProps) {
  const { items } = useMediaAt(
    runs.map((run) => run.key),
    info.key,
    step,
    true,
  );
  const [chosen, setChosen] = useState("");
  const tables = runs.flatMap((run) =>
    items
      .filter((item) => item.run === run.key)
      .flatMap((item) =>
        valuesOf(item.value).flatMap((value, index, all) =>
          value._type === "table-file"
            ? [
                {
                  id: `${run.key}:${index}`,
                  run,
                  value,
                  label: `${run.label}, step ${item.step}${all.length > 1 ? ` (${index + 1})` : ""}`,
                },
              ]
            : [],
        ),
      ),
  );
  const table = tables.find(({ id }) => id === chosen) ?? tables[0];
  if (!table) return <p className="media-note" />;
  return (
    <>
      {tables.length > 1 && (
        <div className="media-bar">
          <Choice
            label="Table of"
            value={table.id}
            options={tables.map(({ id, label }) => [id, label] as const)}
            onChange={setChosen}
          />
        </div>
      )}
      <div className="media-full-body">
        <TableView key={table.value.sha256} runKey={table.run.key} value={table.value} name={info.key} />
      </div>
    </>
  );
}
