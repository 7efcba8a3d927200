import { describe, expect, it } from "vitest";
import { difference } from "@/media/image/difference";

const picture = (width: number, height: number, ...pixels: number[][]) => ({
  width,
  height,
  data: Uint8ClampedArray.from(pixels.flatMap(([r = 0, g = 0, b = 0]) => [r, g, b, 255])),
});

describe("the difference of two pictures", () => {
  it("is nothing for equal ones", () => {
    const one = picture(2, 1, [10, 20, 30], [0, 0, 0]);

    expect(difference(one, one, 10)).toMatchObject({ max: 0, mean: 0, differing: 0 });
  });

  it("says the largest and the mean gap unamplified, and shows it amplified", () => {
    const found = difference(
      picture(2, 1, [10, 20, 30], [0, 0, 0]),
      picture(2, 1, [16, 20, 27], [0, 0, 0]),
      10,
    );

    expect(found).toMatchObject({ max: 6, mean: 9 / 6, differing: 1 });
    expect([...found.rgba]).toEqual([60, 0, 30, 255, 0, 0, 0, 255]);
  });

  it("of pictures of different sizes is of what they have in common", () => {
    const found = difference(picture(2, 1, [1, 1, 1], [9, 9, 9]), picture(1, 2, [1, 1, 1], [5, 5, 5]), 1);

    expect(found).toMatchObject({ width: 1, height: 1, max: 0 });
  });
});
