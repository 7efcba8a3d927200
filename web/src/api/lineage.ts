import { queryOptions } from "@tanstack/react-query";
import { type ArtifactName, routeOfVersion } from "./artifacts";
import { getJson } from "./request";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type LineageGraph = Schemas["LineageGraph"];
export type LineageNode = Schemas["LineageNode"];
export type LineageEdge = Schemas["LineageEdge"];

export type Direction = "both" | "up" | "down";

export interface LineageAsked {
  direction: Direction;
  /** Steps from where the question begins; runs and versions count. */
  depth: number;
  nodes: number;
}

/** What something came from and what became of it. */
export type LineageRoot = { runKey: string } | { artifact: ArtifactName; version: string };

export function lineageQuery(root: LineageRoot, asked: LineageAsked) {
  const route =
    "runKey" in root
      ? `runs/${encodeURIComponent(root.runKey)}`
      : routeOfVersion(root.artifact, root.version);
  return queryOptions({
    queryKey: ["lineage", route, asked],
    queryFn: ({ signal }) => getJson<LineageGraph>(`${route}/lineage`, { ...asked }, signal),
  });
}
