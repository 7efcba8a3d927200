import { ArrowLeft, Scan } from "lucide-react";
import { useState } from "react";
import type { MediaItem } from "@/api/media";
import { type ImageValue, valuesOf } from "@/api/mediaValue";
import { BlobNote } from "@/media/BlobGate";
import type { OverlayView } from "@/media/image/overlays";
import { PictureStage } from "@/media/image/PictureStage";
import { useMaskLayers, usePicture } from "@/media/image/picture";
import type { Zoom } from "@/media/image/zoom";
import { formatBytes, formatCount } from "@/ui/humanize";
import type { CastRun } from "../cast";

interface ImageZoomProps {
  items: readonly MediaItem[];
  runs: readonly CastRun[];
  start: { run: CastRun | undefined; index: number };
  overlay: OverlayView;
  panelKey: string;
  /** Null where there is nothing to go back to. */
  onClose: (() => void) | null;
}

/** One image to look into, pixel by pixel. */
export function ImageZoom({ items, start, overlay, panelKey, onClose }: ImageZoomProps) {
  const [zoom, setZoom] = useState<Zoom | null>(null);
  const item = items.find(({ run }) => run === start.run?.key);
  const value = item && valuesOf(item.value)[start.index];
  if (!item || value?._type !== "image-file")
    return <p className="media-note">This run has no image here.</p>;
  const label = `${panelKey} of ${start.run?.label ?? item.run} at step ${item.step}`;
  return (
    <div className="image-zoom">
      <div className="media-bar">
        {onClose && (
          <button type="button" className="button" onClick={onClose}>
            <ArrowLeft size={14} />
            All
          </button>
        )}
        <b>{start.run?.label}</b>
        <span className="muted">
          step {formatCount(item.step)} · {value.width} × {value.height} · {value.format} ·{" "}
          {formatBytes(value.size)}
        </span>
        {value.caption && <span>{value.caption}</span>}
        <span className="grow" />
        <button type="button" className="button" disabled={zoom === null} onClick={() => setZoom(null)}>
          <Scan size={14} />
          {zoom === null ? "Fits" : `${formatCount(Math.round(zoom.scale * 100))}%`}
        </button>
      </div>
      <Stage runKey={item.run} value={value} overlay={overlay} zoom={zoom} onZoom={setZoom} label={label} />
    </div>
  );
}

interface StageProps {
  runKey: string;
  value: ImageValue;
  overlay: OverlayView;
  zoom: Zoom | null;
  onZoom(zoom: Zoom | null): void;
  label: string;
}

function Stage({ runKey, value, overlay, zoom, onZoom, label }: StageProps) {
  const { state, picture } = usePicture(runKey, value);
  const layers = useMaskLayers(picture, overlay);
  if (!picture)
    return <BlobNote state={state.status === "ready" ? { status: "loading" } : state} bytes={value.size} />;
  return (
    <>
      <PictureStage
        picture={picture}
        layers={layers}
        overlay={overlay}
        zoom={zoom}
        onZoom={onZoom}
        label={label}
      />
      {picture.trouble && <p className="media-trouble">{picture.trouble}</p>}
    </>
  );
}
