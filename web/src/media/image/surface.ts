import type { OverlayView } from "./overlays";
import { colorMask, drawOverlays, type MaskLayers, type Picture } from "./picture";

/** What of a picture is compared: itself, itself with boxes and masks, or one mask alone. */
export type Layer = "image" | "marked" | `mask:${string}`;

/** The layers that a picture has. */
export function layersOf(picture: Picture | null): { value: Layer; label: string }[] {
  const found: { value: Layer; label: string }[] = [{ value: "image", label: "Image" }];
  if (!picture) return found;
  if (picture.value.boxes || picture.value.masks) found.push({ value: "marked", label: "Image with marks" });
  for (const group of picture.masks.keys()) found.push({ value: `mask:${group}`, label: `Mask ${group}` });
  return found;
}

/** One layer of a picture at its own size. */
export function drawSurface(
  picture: Picture,
  masks: MaskLayers,
  overlay: OverlayView,
  layer: Layer,
): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const g = canvas.getContext("2d", { willReadFrequently: true });
  if (!g) return canvas;
  g.imageSmoothingEnabled = false;
  if (layer.startsWith("mask:")) {
    const group = layer.slice("mask:".length);
    const map = picture.masks.get(group);
    g.fillStyle = "#000";
    g.fillRect(0, 0, canvas.width, canvas.height);
    const colored = map && colorMask(map, picture.value.masks?.[group]?.class_labels ?? {}, () => true);
    if (colored) g.drawImage(colored, 0, 0, canvas.width, canvas.height);
    return canvas;
  }
  g.drawImage(picture.image, 0, 0, picture.width, picture.height);
  if (layer === "marked") drawOverlays(g, picture, masks, overlay, { scale: 1, x: 0, y: 0 });
  return canvas;
}
