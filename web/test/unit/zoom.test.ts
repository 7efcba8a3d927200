import { expect, it } from "vitest";
import { fitted, pixelAt, zoomedAt } from "@/media/image/zoom";

it("a small picture is enlarged by a whole number, in the middle", () => {
  expect(fitted({ width: 64, height: 32 }, { width: 500, height: 500 })).toEqual({ scale: 7, x: 26, y: 138 });
});

it("zooming keeps the pixel under the pointer", () => {
  const zoom = { scale: 2, x: 10, y: 20 };
  const before = pixelAt(zoom, 111, 87);

  expect(pixelAt(zoomedAt(zoom, 3, 111, 87), 111, 87)).toEqual(before);
  expect(pixelAt(zoomedAt(zoom, 0.2, 111, 87), 111, 87)).toEqual(before);
});
