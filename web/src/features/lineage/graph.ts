import type { LineageEdge, LineageGraph, LineageNode } from "@/api/lineage";

/** All that leads to a node and all that it leads to, itself included. */
export function familyOf(id: string, edges: readonly LineageEdge[]): Set<string> {
  const family = new Set<string>();
  for (const [from, to] of [
    ["target", "source"],
    ["source", "target"],
  ] as const) {
    const next = new Map<string, string[]>();
    for (const edge of edges) {
      const neighbours = next.get(edge[from]);
      if (neighbours) neighbours.push(edge[to]);
      else next.set(edge[from], [edge[to]]);
    }
    const seen = new Set([id]);
    const open = [id];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const other of next.get(node) ?? []) {
        if (seen.has(other)) continue;
        seen.add(other);
        open.push(other);
      }
    }
    for (const node of seen) family.add(node);
  }
  return family;
}

export interface Rank {
  depth: number;
  nodes: LineageNode[];
}

/** Nodes by how many steps they are away, what came first first. */
export function ranksOf({ nodes }: LineageGraph): Rank[] {
  const ranks = new Map<number, LineageNode[]>();
  for (const node of nodes) {
    const rank = ranks.get(node.depth);
    if (rank) rank.push(node);
    else ranks.set(node.depth, [node]);
  }
  return [...ranks].sort(([a], [b]) => a - b).map(([depth, members]) => ({ depth, nodes: members }));
}

export function rankTitle(depth: number): string {
  if (depth === 0) return "Here";
  const steps = Math.abs(depth);
  return `${steps} ${steps === 1 ? "step" : "steps"} ${depth < 0 ? "before" : "after"}`;
}
