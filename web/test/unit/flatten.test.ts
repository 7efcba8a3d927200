import { expect, test } from "vitest";
import { flatten, livesApart } from "@/features/run/flatten";

test("a resumed run's lives are told apart and none is [object Object]", () => {
  const life = { program: "t.py", host: "mB" };
  const meta = { program: "t.py", later_lives: [life], also_started_with: life };

  expect(flatten(livesApart(meta))).toEqual([
    ["program", "t.py"],
    ["life 2.program", "t.py"],
    ["life 2.host", "mB"],
  ]);
});

test("a run of one life is shown as it is", () => {
  const meta = { program: "t.py", gpus: ["a", "b"] };

  expect(flatten(livesApart(meta))).toEqual([
    ["program", "t.py"],
    ["gpus", ["a", "b"]],
  ]);
});
