import { useCallback, useEffect, useRef } from "react";
import { useSize } from "@/ui/useSize";
import type { OverlayView } from "./overlays";
import { drawImage, drawOverlays, type MaskLayers, type Picture } from "./picture";
import { useZoomGestures } from "./useZoomGestures";
import { fitted, pixelAt, type Zoom } from "./zoom";

interface PictureStageProps {
  picture: Picture;
  layers: MaskLayers;
  overlay: OverlayView;
  /** Null = fit into the window. */
  zoom: Zoom | null;
  onZoom(zoom: Zoom | null): void;
  label: string;
}

/** A picture under wheel and drag, with hard pixels; says which pixel is under the pointer and its colour. */
export function PictureStage({ picture, layers, overlay, zoom, onZoom, label }: PictureStageProps) {
  const [host, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const readout = useRef<HTMLOutputElement>(null);
  const shown = zoom ?? fitted(picture, size);
  const paint = useCallback(() => {
    const node = canvas.current;
    const g = node?.getContext("2d");
    if (!node || !g || size.width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    node.width = Math.round(size.width * ratio);
    node.height = Math.round(size.height * ratio);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const at = zoom ?? fitted(picture, size);
    drawImage(g, picture, at);
    drawOverlays(g, picture, layers, overlay, at);
  }, [picture, layers, overlay, zoom, size]);
  useEffect(paint, [paint]);
  useZoomGestures(host, { zoom: shown, onZoom, onFit: () => onZoom(null) });
  return (
    <div
      ref={host}
      className="picture-stage"
      role="application"
      aria-label={`${label}: wheel or plus and minus zoom, drag or Shift and arrows pan, 0 fits`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it has keys
      tabIndex={0}
      onPointerMove={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const { x, y } = pixelAt(shown, event.clientX - box.left, event.clientY - box.top);
        if (readout.current) readout.current.textContent = colorAt(picture, x, y);
      }}
      onPointerLeave={() => {
        if (readout.current) readout.current.textContent = "";
      }}
    >
      <canvas ref={canvas} />
      <output ref={readout} className="pixel-readout" />
    </div>
  );
}

let probe: CanvasRenderingContext2D | null = null;

/** The colour of one pixel, and the classes of the masks there. */
function colorAt(picture: Picture, x: number, y: number): string {
  if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) return "";
  probe ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", {
    willReadFrequently: true,
  });
  if (!probe) return "";
  probe.clearRect(0, 0, 1, 1);
  probe.imageSmoothingEnabled = false;
  probe.drawImage(picture.image, x, y, 1, 1, 0, 0, 1, 1);
  const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
  const classes = [...picture.masks].map(([group, { width, ids }]) => {
    const id = ids[y * width + x] ?? 0;
    return ` · ${group}: ${picture.value.masks?.[group]?.class_labels?.[id] ?? id}`;
  });
  return `(${x}, ${y})  ${r} ${g} ${b}${a === 255 ? "" : ` α ${a}`}${classes.join("")}`;
}
