import { useContext, useEffect, useMemo, useState } from "react";
import { blobs } from "@/api/blobs";
import type { ImageValue } from "@/api/mediaValue";
import { type BlobState, KeeperContext, useBlob } from "../useBlob";
import { isVisible, type OverlayView, paintMask, type VisibleBox, visibleBoxes } from "./overlays";
import { type ClassMap, decodeClassMap } from "./pngGray";
import type { Zoom } from "./zoom";

/** A picture ready to be drawn. */
export interface Picture {
  value: ImageValue;
  image: HTMLImageElement;
  width: number;
  height: number;
  /** Class maps by group. */
  masks: ReadonlyMap<string, ClassMap>;
  /** Why some masks are not shown. */
  trouble: string | null;
}

/** Loads an image with its masks. */
export function usePicture(
  runKey: string,
  value: ImageValue,
  wanted = true,
): { state: BlobState; picture: Picture | null } {
  const owner = useContext(KeeperContext) ?? runKey;
  const state = useBlob(runKey, value, wanted);
  const [picture, setPicture] = useState<Picture | null>(null);
  const [failed, setFailed] = useState<Error | null>(null);
  const url = state.status === "ready" ? state.held.url : null;
  useEffect(() => {
    if (!url) return;
    let current = true;
    const held: string[] = [];
    const image = new Image();
    image.src = url;
    const decode = async () => {
      await image.decode();
      const masks = new Map<string, ClassMap>();
      let trouble: string | null = null;
      for (const [group, mask] of Object.entries(value.masks ?? {})) {
        try {
          held.push(mask.sha256);
          const { blob } = await blobs.acquire(owner, mask.sha256);
          masks.set(group, await decodeClassMap(new Uint8Array(await blob.arrayBuffer())));
        } catch (cause) {
          trouble = `Mask “${group}”: ${cause instanceof Error ? cause.message : String(cause)}`;
        }
      }
      if (!current) return;
      const { naturalWidth, naturalHeight } = image;
      // An SVG may have no size of its own.
      setPicture({
        value,
        image,
        width: naturalWidth || value.width || 300,
        height: naturalHeight || value.height || 150,
        masks,
        trouble,
      });
    };
    decode().catch(() => {
      if (current) setFailed(new Error(`This browser cannot show the image (${value.format}).`));
    });
    return () => {
      current = false;
      for (const sha256 of held) blobs.release(sha256);
    };
  }, [owner, value, url]);
  if (failed && state.status === "ready")
    return { state: { status: "failed", error: failed }, picture: null };
  return { state, picture: picture?.value === value ? picture : null };
}

/** Masks in colour, one canvas per group. */
export type MaskLayers = ReadonlyMap<string, HTMLCanvasElement>;

/** Colours the masks of a picture; again only when classes are switched. */
export function useMaskLayers(picture: Picture | null, view: OverlayView): MaskLayers {
  const { hidden } = view;
  return useMemo(() => {
    const layers = new Map<string, HTMLCanvasElement>();
    if (!picture) return layers;
    for (const [group, map] of picture.masks) {
      const labels = picture.value.masks?.[group]?.class_labels ?? {};
      const layer = colorMask(map, labels, (id) =>
        isVisible({ opacity: 1, leastScore: null, hidden }, `mask:${group}`, id),
      );
      if (layer) layers.set(group, layer);
    }
    return layers;
  }, [picture, hidden]);
}

export function colorMask(
  { width, height, ids }: ClassMap,
  labels: Readonly<Record<string, string>>,
  visible: (id: number) => boolean,
): HTMLCanvasElement | null {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const g = canvas.getContext("2d");
  if (!g) return null;
  const pixels = g.createImageData(width, height);
  paintMask(ids, pixels.data, labels, visible);
  g.putImageData(pixels, 0, 0);
  return canvas;
}

/** Draws the image with hard pixels when enlarged. */
export function drawImage(g: CanvasRenderingContext2D, picture: Picture, zoom: Zoom): void {
  g.imageSmoothingEnabled = zoom.scale < 1;
  g.imageSmoothingQuality = "high";
  g.drawImage(picture.image, zoom.x, zoom.y, picture.width * zoom.scale, picture.height * zoom.scale);
}

/** Draws masks and boxes over an image that lies at *zoom*. */
export function drawOverlays(
  g: CanvasRenderingContext2D,
  picture: Picture,
  layers: MaskLayers,
  view: OverlayView,
  zoom: Zoom,
): void {
  const width = picture.width * zoom.scale;
  const height = picture.height * zoom.scale;
  g.imageSmoothingEnabled = false;
  g.globalAlpha = view.opacity;
  for (const layer of layers.values()) g.drawImage(layer, zoom.x, zoom.y, width, height);
  g.globalAlpha = 1;
  for (const box of visibleBoxes(picture.value, view)) drawBox(g, box, zoom.x, zoom.y, width, height);
}

const LABEL_PX = 11;
/** Boxes smaller than this are drawn without their label, which would hide them. */
const LABELLED_PX = 26;

function drawBox(
  g: CanvasRenderingContext2D,
  box: VisibleBox,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const left = x + box.minX * width;
  const top = y + box.minY * height;
  const boxWidth = (box.maxX - box.minX) * width;
  g.lineWidth = 2;
  g.strokeStyle = box.color;
  g.strokeRect(left, top, boxWidth, (box.maxY - box.minY) * height);
  if (boxWidth < LABELLED_PX) return;
  g.font = `600 ${LABEL_PX}px system-ui, sans-serif`;
  g.textBaseline = "middle";
  const text = clipped(g, box.text, Math.max(boxWidth, 60));
  const tall = LABEL_PX + 5;
  const at = top >= tall ? top - tall : top;
  g.fillStyle = box.color;
  g.fillRect(left - 1, at, g.measureText(text).width + 8, tall);
  g.fillStyle = "#0b0d10";
  g.fillText(text, left + 3, at + tall / 2 + 0.5);
}

function clipped(g: CanvasRenderingContext2D, text: string, width: number): string {
  if (g.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && g.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}
