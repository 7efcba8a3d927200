/** Where a picture lies in its window: window pixel = picture pixel × scale + (x, y). */
export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

interface Size {
  width: number;
  height: number;
}

const MARGIN = 0.98;
export const SCALE_MAX = 64;

/** The whole picture, in the middle. Small pictures are enlarged by a whole number, so that all pixels are equal. */
export function fitted(picture: Size, window: Size): Zoom {
  const most = Math.min(window.width / picture.width, window.height / picture.height) || 1;
  const scale = most >= 2 ? Math.floor(most) : most * (most < 1 ? MARGIN : 1);
  return centered(picture, window, scale);
}

export function centered(picture: Size, window: Size, scale: number): Zoom {
  return {
    scale,
    x: (window.width - picture.width * scale) / 2,
    y: (window.height - picture.height * scale) / 2,
  };
}

/** Zooms by *factor* and keeps what is under (px, py) there. */
export function zoomedAt(zoom: Zoom, factor: number, px: number, py: number): Zoom {
  const scale = Math.max(0.02, Math.min(SCALE_MAX, zoom.scale * factor));
  const ratio = scale / zoom.scale;
  return { scale, x: px - (px - zoom.x) * ratio, y: py - (py - zoom.y) * ratio };
}

/** The picture's pixel under a point of the window. */
export function pixelAt(zoom: Zoom, px: number, py: number): { x: number; y: number } {
  return { x: Math.floor((px - zoom.x) / zoom.scale), y: Math.floor((py - zoom.y) / zoom.scale) };
}
