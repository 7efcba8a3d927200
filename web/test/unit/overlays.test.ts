import { describe, expect, it } from "vitest";
import type { ImageValue } from "@/api/mediaValue";
import { isVisible, overlayGroups, paintMask, SHOW_ALL, toggled, visibleBoxes } from "@/media/image/overlays";

const IMAGE: ImageValue = {
  _type: "image-file",
  sha256: "",
  size: 0,
  format: "png",
  width: 10,
  height: 10,
  boxes: {
    guess: {
      class_labels: { 1: "car", 2: "bus" },
      boxes: [
        { position: { minX: 0, maxX: 0.5, minY: 0, maxY: 0.5 }, class_id: 1, scores: { score: 0.9 } },
        { position: { minX: 0.5, maxX: 1, minY: 0, maxY: 0.5 }, class_id: 2, scores: { score: 0.2 } },
        { position: { minX: 0, maxX: 1, minY: 0, maxY: 1 }, class_id: 7 },
      ],
    },
  },
  masks: { truth: { sha256: "", size: 0, class_labels: { 0: "road", 1: "car" } } },
};

describe("what lies over an image", () => {
  it("is listed by group and class, boxes and masks apart", () => {
    expect(
      overlayGroups([IMAGE]).map(({ name, classes }) => [name, classes.map(({ label }) => label)]),
    ).toEqual([
      ["boxes:guess", ["car", "bus", "class 7"]],
      ["mask:truth", ["road", "car"]],
    ]);
  });

  it("is switched off by class, by group and by score; what has no score stays", () => {
    const texts = (view: typeof SHOW_ALL) => visibleBoxes(IMAGE, view).map(({ text }) => text);

    expect(texts(SHOW_ALL)).toEqual(["car 0.90", "bus 0.20", "class 7"]);
    expect(texts({ ...SHOW_ALL, leastScore: 0.5 })).toEqual(["car 0.90", "class 7"]);
    expect(texts(toggled(SHOW_ALL, "boxes:guess:1"))).toEqual(["bus 0.20", "class 7"]);
    expect(texts(toggled(SHOW_ALL, "boxes:guess"))).toEqual([]);
    expect(texts(toggled(toggled(SHOW_ALL, "boxes:guess"), "boxes:guess"))).toHaveLength(3);
  });

  it("paints one colour per class and leaves background without a name clear", () => {
    const rgba = new Uint8ClampedArray(12);
    paintMask(Uint16Array.of(0, 1, 1), rgba, { 1: "car" }, () => true);

    expect([rgba[3], rgba[7], rgba[11]]).toEqual([0, 255, 255]);
    expect([...rgba.slice(4, 8)]).toEqual([...rgba.slice(8, 12)]);
    expect(isVisible(toggled(SHOW_ALL, "mask:truth:1"), "mask:truth", 1)).toBe(false);
  });
});
