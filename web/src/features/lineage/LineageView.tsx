import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { type Direction, type LineageRoot, lineageQuery } from "@/api/lineage";
import { Choice } from "@/ui/Choice";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatCount } from "@/ui/humanize";
import { Segmented } from "@/ui/Segmented";
import { useMediaQuery } from "@/ui/useMediaQuery";
import { GraphCanvas } from "./GraphCanvas";
import { ranksOf, rankTitle } from "./graph";
import type { Shape } from "./graphLayout";
import { NodeLink } from "./NodeLink";
import { usePlacedGraph } from "./usePlacedGraph";
import "@/styles/lineage.css";

const DIRECTIONS = [
  ["both", "Both ways"],
  ["up", "Where from"],
  ["down", "What became of it"],
] as const;
const FORMS = [
  ["graph", "Graph"],
  ["list", "List"],
] as const;
const DEPTHS = ["1", "2", "4", "8", "20"] as const;

/** So many nodes are drawn without being asked; of larger graphs the near ones are. */
const NODES = 200;
const NODES_ASKED = 600;
const NEAR = 2;
const FAR = 20;

export const NODE_WIDTH = 200;
export const NODE_HEIGHT = 44;

/** Where something came from and what became of it, as a graph of runs, versions and models. */
export default function LineageView({ root }: { root: LineageRoot }) {
  const narrow = useMediaQuery("(max-width: 760px)");
  const [direction, setDirection] = useState<Direction>("both");
  const [chosenForm, setForm] = useState<"graph" | "list" | null>(null);
  const [depth, setDepth] = useState<(typeof DEPTHS)[number] | null>(null);
  const whole = useQuery({
    ...lineageQuery(root, { direction, depth: FAR, nodes: NODES }),
    placeholderData: keepPreviousData,
  });
  // Too large to be drawn whole: what is near, until somebody asks for more.
  const near = whole.data?.truncated === true || depth !== null;
  const asked = useQuery({
    ...lineageQuery(root, { direction, depth: depth === null ? NEAR : Number(depth), nodes: NODES_ASKED }),
    placeholderData: keepPreviousData,
    enabled: near,
  });
  const graph = near ? asked.data : whole.data;
  const error = whole.error ?? asked.error;
  const shape = useMemo<Shape | null>(
    () =>
      graph
        ? {
            nodes: graph.nodes.map(({ id }) => ({ id, width: NODE_WIDTH, height: NODE_HEIGHT })),
            edges: graph.edges,
          }
        : null,
    [graph],
  );
  const form = chosenForm ?? (narrow ? "list" : "graph");
  const { placed, failed } = usePlacedGraph(form === "graph" ? shape : null);
  if (error) return <ErrorNote error={error} />;
  return (
    <section className="block lineage" aria-label="Lineage" aria-busy={!graph}>
      <div className="file-bar">
        <Segmented label="Direction" value={direction} options={DIRECTIONS} onChange={setDirection} />
        <Segmented label="Form" value={form} options={FORMS} onChange={setForm} />
        <Choice
          label="Steps"
          value={depth ?? (near ? String(NEAR) : "20")}
          options={DEPTHS.map((steps) => [steps, steps === "1" ? "1 step" : `${steps} steps`] as const)}
          onChange={(next) => setDepth(next as (typeof DEPTHS)[number])}
        />
        <span className="grow" />
        {graph && (
          <span className="points-note">
            {formatCount(graph.nodes.length)} {graph.nodes.length === 1 ? "node" : "nodes"}
            {graph.truncated && ", not all: take fewer steps or open a node"}
            {graph.hidden > 0 && ` · ${formatCount(graph.hidden)} you may not see`}
          </span>
        )}
      </div>
      {graph && graph.nodes.length === 1 && (
        <p className="muted">Nothing was made from it yet, and nothing it was made from is recorded.</p>
      )}
      {form === "graph" && graph && placed && <GraphCanvas graph={graph} placed={placed} />}
      {form === "graph" && !placed && !failed && <div className="lineage-canvas" aria-busy="true" />}
      {form === "graph" && failed && <p className="bad">This graph cannot be drawn; see the list.</p>}
      {form === "list" && graph && (
        <div className="lineage-list">
          {ranksOf(graph).map(({ depth: rank, nodes }) => (
            <section key={rank} aria-label={rankTitle(rank)}>
              <h3>{rankTitle(rank)}</h3>
              <ul>
                {nodes.map((node) => (
                  <li key={node.id} className={`node ${node.kind}`}>
                    <NodeLink node={node} />
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </div>
      )}
    </section>
  );
}
