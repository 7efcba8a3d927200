import { groupFilter, joinFilters, runsFilter } from "@/api/filterText";
import type { GroupNode } from "./spread";
import type { Block } from "./useTablePages";

/** A stretch of the table: one line for a group, or the runs of a block. */
export type Segment =
  | { kind: "group"; node: GroupNode; start: number; count: 1 }
  | { kind: "rows"; block: Block; depth: number; start: number; count: number };

export type Item =
  | { kind: "group"; node: GroupNode }
  | { kind: "run"; block: Block; index: number; depth: number };

/** Runs that a filter can name one by one, where their group cannot be said otherwise. */
const NAMED_RUNS = 100;

/** The lines of a grouped table; groups in *folded* are closed. */
export function groupSegments(
  nodes: readonly GroupNode[],
  folded: ReadonlySet<string>,
  filter: string,
): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  const add = (node: GroupNode) => {
    segments.push({ kind: "group", node, start, count: 1 });
    start++;
    if (folded.has(node.id)) return;
    for (const child of node.children) add(child);
    if (node.own === 0) return;
    const own = groupFilter(placeOf(node)) ?? runsFilter(node.runs.slice(0, NAMED_RUNS));
    const block = { filter: joinFilters(filter, own), count: node.own };
    segments.push({ kind: "rows", block, depth: node.depth + 1, start, count: node.own });
    start += node.own;
  };
  for (const node of nodes) add(node);
  return segments;
}

/** The path without the folders that are only on the way to the last one. */
function placeOf({ path }: GroupNode): GroupNode["path"] {
  return path.filter(({ by }, i) => by !== "folder" || path[i + 1]?.by !== "folder");
}

export function plainSegments(filter: string, count: number): Segment[] {
  return [{ kind: "rows", block: { filter, count }, depth: 0, start: 0, count }];
}

export function segmentsLength(segments: readonly Segment[]): number {
  const last = segments.at(-1);
  return last ? last.start + last.count : 0;
}

/** What stands in line *index*. */
export function itemAt(segments: readonly Segment[], index: number): Item | null {
  let low = 0;
  let high = segments.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const segment = segments[middle];
    if (!segment) return null;
    if (index < segment.start) high = middle - 1;
    else if (index >= segment.start + segment.count) low = middle + 1;
    else if (segment.kind === "group") return segment;
    else return { kind: "run", block: segment.block, index: index - segment.start, depth: segment.depth };
  }
  return null;
}
