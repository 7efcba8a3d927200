import { Link } from "@tanstack/react-router";
import { Boxes, CircleDot, EyeOff, Package } from "lucide-react";
import type { ReactNode } from "react";
import type { LineageNode } from "@/api/lineage";
import type { RunState } from "@/api/types";
import { StateMark } from "@/ui/StateMark";

const ICONS: Record<LineageNode["kind"], ReactNode> = {
  run: <CircleDot size={14} aria-hidden="true" />,
  version: <Package size={14} aria-hidden="true" />,
  model: <Boxes size={14} aria-hidden="true" />,
  hidden: <EyeOff size={14} aria-hidden="true" />,
};

/** A node of a lineage, and the way to its page. */
export function NodeLink({ node }: { node: LineageNode }) {
  const face = (
    <>
      {ICONS[node.kind]}
      <span className="node-text">
        <b>{node.label}</b>
        <small>{subtitle(node)}</small>
      </span>
      {node.kind === "run" && node.state && <StateMark state={node.state as RunState} />}
      {(node.more ?? 0) > 0 && (
        <span className="count" title={`${node.more} neighbours are not shown`}>
          +{node.more}
        </span>
      )}
    </>
  );
  const { entity, project, name, type, version } = node;
  if (node.kind === "run" && node.run_key) {
    return (
      <Link className="node-face" to="/r/$run_key" params={{ run_key: node.run_key }}>
        {face}
      </Link>
    );
  }
  if (node.kind === "version" && entity && project && name && type && version !== null) {
    return (
      <Link
        className="node-face"
        to="/$entity/$project/artifacts/$type/$name/$version/$tab"
        params={{ entity, project, type, name, version: `v${version}`, tab: "lineage" }}
        search={{}}
      >
        {face}
      </Link>
    );
  }
  if (node.kind === "model" && entity && project && node.model_id) {
    return (
      <Link
        className="node-face"
        to="/$entity/$project/models/$model_id"
        params={{ entity, project, model_id: node.model_id }}
      >
        {face}
      </Link>
    );
  }
  return <span className="node-face">{face}</span>;
}

function subtitle(node: LineageNode): string {
  if (node.kind === "run") return node.job_type || node.state || "run";
  if (node.kind === "version") {
    const names = aliasesOf(node);
    const aliases = names.length > 0 ? ` · ${names.join(", ")}` : "";
    return `${node.type ?? "artifact"}${node.removed ? " · removed" : aliases}`;
  }
  if (node.kind === "model") return aliasesOf(node).join(", ") || "registered model";
  return "in a project that is not yours";
}

const aliasesOf = ({ aliases }: LineageNode) => aliases ?? [];
