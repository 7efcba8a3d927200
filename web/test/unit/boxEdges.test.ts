import { expect, it } from "vitest";
import { boxEdges } from "@/media/object3d/boxEdges";

type Corner = readonly [number, number, number];

const corner = (i: number): Corner => [i & 1 ? 4 : 0, i & 2 ? 1 : 0, i & 4 ? 2 : 0];

/** The lengths of the edges, sorted. */
function lengths(corners: readonly Corner[]): number[] {
  return boxEdges(corners)
    .map(([a, b]) => {
      const [from, to] = [corners[a], corners[b]];
      return from && to ? Math.hypot(from[0] - to[0], from[1] - to[1], from[2] - to[2]) : 0;
    })
    .sort((a, b) => a - b);
}

const EXPECTED = [1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4];

it.each([
  ["counted", [0, 1, 2, 3, 4, 5, 6, 7]],
  ["around the floor, then around the top", [0, 1, 3, 2, 4, 5, 7, 6]],
  ["in the order of other trackers", [0, 2, 4, 1, 3, 6, 5, 7]],
])("a box whose corners come %s has its twelve edges and no diagonal", (_, order) => {
  expect(lengths(order.map(corner))).toEqual(EXPECTED);
});

it("a turned box has its edges too", () => {
  const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
  const turned = [0, 3, 5, 6, 1, 2, 4, 7]
    .map(corner)
    .map(([x, y, z]): Corner => [c * x - s * y, s * x + c * y, z]);

  expect(lengths(turned).map((length) => Math.round(length * 1e6) / 1e6)).toEqual(EXPECTED);
});
