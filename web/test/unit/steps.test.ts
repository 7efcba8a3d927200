import { expect, it } from "vitest";
import { spread, stepIndex } from "@/panels/media/steps";

it("the shown step is the last one that is not after the chosen one", () => {
  const steps = [0, 100, 200];

  expect([null, 250, 200, 199, 0, -1].map((step) => stepIndex(steps, step))).toEqual([2, 2, 2, 1, 0, -1]);
  expect(stepIndex([], null)).toBe(-1);
});

it("columns are spread evenly, with the first and the last step", () => {
  expect(spread([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3)).toEqual([0, 5, 10]);
  expect(spread([4, 8], 6)).toEqual([4, 8]);
});
