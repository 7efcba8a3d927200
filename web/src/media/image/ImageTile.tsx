import { useCallback } from "react";
import type { ImageValue } from "@/api/mediaValue";
import { Canvas } from "@/ui/Canvas";
import { BlobGate, BlobNote } from "../BlobGate";
import { type OverlayView, SHOW_ALL } from "./overlays";
import { drawOverlays, useMaskLayers, usePicture } from "./picture";

interface ImageTileProps {
  runKey: string;
  value: ImageValue;
  wanted: boolean;
  overlay?: OverlayView;
  label: string;
}

/** An image in the place it is given, with what was drawn over it. */
export function ImageTile(props: ImageTileProps) {
  const { value } = props;
  const plain = !value.boxes && !value.masks;
  return plain ? <PlainImage {...props} /> : <MarkedImage {...props} />;
}

/** The browser's own image element: it decodes off the main thread and plays animations. */
function PlainImage({ runKey, value, wanted, label }: ImageTileProps) {
  return (
    <BlobGate runKey={runKey} blob={value} wanted={wanted}>
      {({ url }) => (
        <img
          className={`image-plain ${value.width <= 128 ? "pixelated" : ""}`}
          src={url}
          alt={value.caption || label}
          data-sha256={value.sha256}
          draggable={false}
        />
      )}
    </BlobGate>
  );
}

function MarkedImage({ runKey, value, wanted, overlay = SHOW_ALL, label }: ImageTileProps) {
  const { state, picture } = usePicture(runKey, value, wanted);
  const layers = useMaskLayers(picture, overlay);
  const draw = useCallback(
    (g: CanvasRenderingContext2D, size: { width: number; height: number }) => {
      if (!picture) return;
      const scale = Math.min(size.width / picture.width, size.height / picture.height);
      const zoom = {
        scale,
        x: (size.width - picture.width * scale) / 2,
        y: (size.height - picture.height * scale) / 2,
      };
      drawOverlays(g, picture, layers, overlay, zoom);
    },
    [picture, layers, overlay],
  );
  if (!picture || state.status !== "ready")
    return <BlobNote state={state.status === "ready" ? { status: "loading" } : state} bytes={value.size} />;
  return (
    <div className="image-marked">
      <img
        className={`image-plain ${value.width <= 128 ? "pixelated" : ""}`}
        src={state.held.url}
        alt={value.caption || label}
        data-sha256={value.sha256}
        draggable={false}
      />
      <Canvas draw={draw} aria-hidden="true" />
      {picture.trouble && <p className="media-trouble">{picture.trouble}</p>}
    </div>
  );
}
