/** A model's graph as it was logged. */
export interface ModelGraph {
  nodes?: {
    id: string | number;
    name?: string;
    class?: string;
    parameters?: number;
    output_shape?: unknown;
  }[];
  edges?: (readonly [string | number, string | number])[];
}

export interface LayerNode {
  id: string;
  label: string;
  kind: string;
  output: string;
  parameters: number | null;
  children: LayerNode[];
}

/** Nests the parts by their dotted names: `encoder.0.conv` is in `encoder.0`, that in `encoder`. */
export function layerTree(graph: ModelGraph): LayerNode[] {
  const roots: LayerNode[] = [];
  const byName = new Map<string, LayerNode>();
  for (const { id, name = "", class: kind = "", parameters, output_shape: shape } of graph.nodes ?? []) {
    const parent = parentOf(byName, name);
    const node: LayerNode = {
      id: String(id),
      label: (parent ? name.slice(parent.length).replace(/^\./, "") : name) || kind || "model",
      kind,
      output: shape === undefined || shape === null ? "" : JSON.stringify(shape),
      parameters: parameters ?? null,
      children: [],
    };
    (parent !== null ? byName.get(parent)?.children : roots)?.push(node);
    byName.set(name, node);
  }
  return roots;
}

/** The longest name already seen that this one continues; "" is the model itself. */
function parentOf(seen: ReadonlyMap<string, LayerNode>, name: string): string | null {
  if (name === "") return null;
  for (let at = name.lastIndexOf("."); at > 0; at = name.lastIndexOf(".", at - 1)) {
    if (seen.has(name.slice(0, at))) return name.slice(0, at);
  }
  return seen.has("") ? "" : null;
}
