import type { ImageValue } from "@/api/mediaValue";
import { parseNumber } from "@/api/types";
import { slotColor } from "@/charts/core/palette";

/** What of an image's boxes and masks is shown. */
export interface OverlayView {
  /** Opacity of masks, 0..1. */
  opacity: number;
  /** Boxes whose first score is lower are not shown; null shows all. */
  leastScore: number | null;
  /** Switched off, as `group` or `group:class id`. */
  hidden: ReadonlySet<string>;
}

export const SHOW_ALL: OverlayView = { opacity: 0.5, leastScore: null, hidden: new Set() };

export interface OverlayClass {
  id: number;
  label: string;
  color: string;
}

export interface OverlayGroup {
  /** Unique among boxes and masks. */
  name: string;
  title: string;
  kind: "boxes" | "mask";
  classes: readonly OverlayClass[];
}

/** Colour of a class: the same in every image of every run, in both themes, because it lies on a photo. */
export function classColor(id: number): string {
  return slotColor(id, "dark");
}

/** Boxes and masks of some images, with all classes that they name. */
export function overlayGroups(images: readonly ImageValue[]): OverlayGroup[] {
  const found = new Map<string, { title: string; kind: "boxes" | "mask"; labels: Map<number, string> }>();
  const group = (kind: "boxes" | "mask", title: string) => {
    const name = `${kind}:${title}`;
    let entry = found.get(name);
    if (!entry) {
      entry = { title, kind, labels: new Map() };
      found.set(name, entry);
    }
    return entry.labels;
  };
  for (const image of images) {
    for (const [title, { boxes, class_labels: labels = {} }] of Object.entries(image.boxes ?? {})) {
      const classes = group("boxes", title);
      for (const { class_id: id } of boxes) classes.set(id, labels[id] ?? classes.get(id) ?? `class ${id}`);
    }
    for (const [title, { class_labels: labels = {} }] of Object.entries(image.masks ?? {})) {
      const classes = group("mask", title);
      for (const [id, label] of Object.entries(labels)) classes.set(Number(id), label);
    }
  }
  return [...found].map(([name, { title, kind, labels }]) => ({
    name,
    title,
    kind,
    classes: [...labels]
      .map(([id, label]) => ({ id, label, color: classColor(id) }))
      .sort((a, b) => a.id - b.id),
  }));
}

export function isVisible(view: OverlayView, group: string, id: number): boolean {
  return !view.hidden.has(group) && !view.hidden.has(`${group}:${id}`);
}

/** The view with a group or class switched. */
export function toggled(view: OverlayView, name: string): OverlayView {
  const hidden = new Set(view.hidden);
  if (!hidden.delete(name)) hidden.add(name);
  return { ...view, hidden };
}

export interface VisibleBox {
  /** Fractions of width and height. */
  minX: number;
  minY: number;
  maxX: number;
  maxY: number;
  color: string;
  text: string;
}

/** The boxes to draw. */
export function visibleBoxes(image: ImageValue, view: OverlayView): VisibleBox[] {
  const found: VisibleBox[] = [];
  for (const [title, { boxes, class_labels: labels = {} }] of Object.entries(image.boxes ?? {})) {
    const group = `boxes:${title}`;
    for (const box of boxes) {
      if (!isVisible(view, group, box.class_id)) continue;
      const [score] = Object.values(box.scores ?? {});
      const value = parseNumber(score);
      if (view.leastScore !== null && value !== null && value < view.leastScore) continue;
      const label = box.box_caption ?? labels[box.class_id] ?? `class ${box.class_id}`;
      found.push({
        ...box.position,
        color: classColor(box.class_id),
        text: value === null || box.box_caption ? label : `${label} ${value.toPrecision(2)}`,
      });
    }
  }
  return found;
}

/** Whether any box has a score to choose by. */
export function hasScores(images: readonly ImageValue[]): boolean {
  return images.some((image) =>
    Object.values(image.boxes ?? {}).some(({ boxes }) =>
      boxes.some(({ scores }) => scores && Object.keys(scores).length > 0),
    ),
  );
}

const hex = (color: string, at: number) => Number.parseInt(color.slice(at, at + 2), 16);

/** RGBA of a mask: colour by class, transparent where the class is off. Class 0 is background unless it has a label. */
export function paintMask(
  ids: Uint16Array,
  rgba: Uint8ClampedArray,
  labels: Readonly<Record<string, string>>,
  visible: (id: number) => boolean,
): void {
  const colors = new Map<number, readonly [number, number, number, number]>();
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] ?? 0;
    let color = colors.get(id);
    if (!color) {
      const drawn = (id !== 0 || labels[0] !== undefined) && visible(id);
      const text = classColor(id);
      color = [hex(text, 1), hex(text, 3), hex(text, 5), drawn ? 255 : 0];
      colors.set(id, color);
    }
    rgba.set(color, i * 4);
  }
}
