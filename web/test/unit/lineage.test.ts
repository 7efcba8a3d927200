import { describe, expect, it } from "vitest";
import type { LineageEdge, LineageGraph } from "@/api/lineage";
import { familyOf, ranksOf, rankTitle } from "@/features/lineage/graph";
import { placeGraph } from "@/features/lineage/graphLayout";

const edge = (source: string, target: string): LineageEdge => ({ source, target, kind: "made" });

//  data ─▶ train ─▶ model ─▶ eval
//    └───▶ other ─▶ rival
const EDGES = [
  edge("data", "train"),
  edge("train", "model"),
  edge("model", "eval"),
  edge("data", "other"),
  edge("other", "rival"),
];

describe("a lineage", () => {
  it("lights what led to a node and what it led to, and not its siblings", () => {
    expect([...familyOf("model", EDGES)].sort()).toEqual(["data", "eval", "model", "train"]);
    expect([...familyOf("data", EDGES)].sort()).toEqual(
      ["data", "eval", "model", "other", "rival", "train"].sort(),
    );
  });

  it("ends where a run used what it made", () => {
    expect([...familyOf("a", [edge("a", "b"), edge("b", "a")])].sort()).toEqual(["a", "b"]);
  });

  it("is listed by how far things are, what came first first", () => {
    const node = (id: string, depth: number) => ({ id, depth }) as LineageGraph["nodes"][number];
    const graph = { nodes: [node("here", 0), node("later", 1), node("before", -2), node("too", 1)] };
    expect(
      ranksOf(graph as LineageGraph).map(({ depth, nodes }) => [depth, nodes.map(({ id }) => id)]),
    ).toEqual([
      [-2, ["before"]],
      [0, ["here"]],
      [1, ["later", "too"]],
    ]);
    expect([rankTitle(-2), rankTitle(0), rankTitle(1)]).toEqual(["2 steps before", "Here", "1 step after"]);
  });

  it("is placed from left to right, nothing over anything else", () => {
    const ids = ["data", "train", "model", "eval", "other", "rival"];
    const nodes = ids.map((id) => ({ id, width: 200, height: 44 }));
    const placed = placeGraph({ nodes, edges: [...EDGES, edge("gone", "data")] });
    const at = new Map(ids.map((id, i) => [id, placed.nodes[i] ?? { x: 0, y: 0 }]));
    for (const { source, target } of EDGES) {
      expect((at.get(target)?.x ?? 0) - (at.get(source)?.x ?? 0)).toBeGreaterThanOrEqual(200);
    }
    for (const a of placed.nodes) {
      expect(a.x - 100).toBeGreaterThanOrEqual(0);
      expect(a.y + 22).toBeLessThanOrEqual(placed.height);
      const overlapping = placed.nodes.filter((b) => Math.abs(a.x - b.x) < 200 && Math.abs(a.y - b.y) < 44);
      expect(overlapping).toEqual([a]);
    }
    expect(placed.edges.at(-1)).toEqual([]); // leads from something that is not shown
    expect(placed.edges[0]?.length).toBeGreaterThanOrEqual(2);
  });
});
