import { graphlib, layout } from "@dagrejs/dagre";

/** What the layout has to know of a graph: sizes, and what leads where. */
export interface Shape {
  nodes: readonly { id: string; width: number; height: number }[];
  edges: readonly { source: string; target: string }[];
}

export interface Placed {
  width: number;
  height: number;
  /** Middles, in the order of the nodes. */
  nodes: readonly { x: number; y: number }[];
  /** Points that each edge goes through, in the order of the edges. */
  edges: readonly (readonly { x: number; y: number }[])[];
}

/** Places a graph from left to right, in layers; edges that are there twice are one. */
export function placeGraph({ nodes, edges }: Shape): Placed {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 56, marginx: 24, marginy: 24 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  for (const { source, target } of edges) {
    if (graph.hasNode(source) && graph.hasNode(target)) graph.setEdge(source, target);
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    width,
    height,
    nodes: nodes.map(({ id }) => {
      const { x, y } = graph.node(id);
      return { x, y };
    }),
    edges: edges.map(({ source, target }) => graph.edge(source, target)?.points ?? []),
  };
}
