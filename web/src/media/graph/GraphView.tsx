import { ChevronDown, ChevronRight } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { GraphValue } from "@/api/mediaValue";
import { formatCount } from "@/ui/humanize";
import { BlobGate } from "../BlobGate";
import { type LayerNode, layerTree, type ModelGraph } from "./layerTree";

interface GraphViewProps {
  runKey: string;
  value: GraphValue;
  wanted: boolean;
}

/** A model by its parts: what each is, what it puts out, how many parameters it has. */
export function GraphView({ runKey, value, wanted }: GraphViewProps) {
  return (
    <BlobGate runKey={runKey} blob={value} wanted={wanted}>
      {({ blob }) => <Layers blob={blob} />}
    </BlobGate>
  );
}

function Layers({ blob }: { blob: Blob }) {
  const [graph, setGraph] = useState<ModelGraph | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let current = true;
    blob
      .text()
      .then((text) => current && setGraph(JSON.parse(text) as ModelGraph))
      .catch(() => current && setFailed(true));
    return () => {
      current = false;
    };
  }, [blob]);
  const roots = useMemo(() => (graph ? layerTree(graph) : []), [graph]);
  if (failed) return <p className="media-trouble">The graph cannot be read.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="graph" aria-label="Model" tabIndex={0}>
      <table className="plain-table graph-table">
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Kind</th>
            <th scope="col">Output</th>
            <th scope="col" className="number">
              Parameters
            </th>
          </tr>
        </thead>
        <tbody>
          {roots.map((node) => (
            <LayerRow key={node.id} node={node} depth={0} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Parts below this depth are folded at first. */
const OPEN_DEPTH = 2;

function LayerRow({ node, depth }: { node: LayerNode; depth: number }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  const folds = node.children.length > 0;
  return (
    <>
      <tr>
        <th scope="row" style={{ paddingLeft: `${depth * 16}px` }}>
          {folds ? (
            <button type="button" className="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
              {open ? <ChevronDown size={13} /> : <ChevronRight size={13} />}
              {node.label}
            </button>
          ) : (
            <span className="fold-leaf">{node.label}</span>
          )}
        </th>
        <td>{node.kind}</td>
        <td className="mono">{node.output}</td>
        <td className="number">{node.parameters === null ? "" : formatCount(node.parameters)}</td>
      </tr>
      {open && node.children.map((child) => <LayerRow key={child.id} node={child} depth={depth + 1} />)}
    </>
  );
}
