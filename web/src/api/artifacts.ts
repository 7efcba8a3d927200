import { queryOptions } from "@tanstack/react-query";
import { getJson, postJson, sendJson } from "./request";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type ArtifactRow = Schemas["CollectionRow"];
export type ArtifactDetail = Schemas["CollectionReply"];
export type ArtifactType = Schemas["TypeRow"];
export type VersionRow = Schemas["VersionRow"];
export type VersionDetail = Schemas["VersionReply"];
export type VersionEdit = Partial<Schemas["VersionEdit"]>;
export type CollectionEdit = Partial<Schemas["CollectionEdit"]> & { revision: number };
export type Keep = Schemas["Keep"];
export type EventRow = Schemas["EventRow"];
export type EntryRow = Schemas["EntryRow"];
export type FolderRow = Schemas["FolderRow"];
export type VersionsDiff = Schemas["VersionsDiff"];
export type ChangedEntry = Schemas["ChangedEntry"];
export type RunArtifacts = Schemas["RunArtifacts"];
export type LoggedRow = Schemas["LoggedRow"];
export type UseRow = Schemas["UseRow"];
export type ProjectStorage = Schemas["ProjectStorage"];
export type StoragePart = Schemas["StoragePart"];
export type Removal = Schemas["RemovalReply"];
export type Collected = Schemas["CollectReply"];

/** Which artifact, in which project. */
export interface ArtifactName {
  entity: string;
  project: string;
  name: string;
}

const routeOfProject = (entity: string, project: string) =>
  `projects/${encodeURIComponent(entity)}/${encodeURIComponent(project)}`;
const routeOf = ({ entity, project, name }: ArtifactName) =>
  `${routeOfProject(entity, project)}/artifacts/${encodeURIComponent(name)}`;

/** The route of a version, which is also what owns its blobs. *version*: `v3`, an alias, or a digest. */
export const routeOfVersion = (artifact: ArtifactName, version: string) =>
  `${routeOf(artifact)}/versions/${encodeURIComponent(version)}`;

// All begin like the key of the project, so that news of the project are news of its artifacts.
const keyOf = (entity: string, project: string, ...rest: unknown[]) =>
  ["project", entity, project, "artifacts", ...rest] as const;

export interface ArtifactsAsked {
  type: string;
  search: string;
  offset: number;
  limit: number;
}

export function artifactsQuery(entity: string, project: string, asked: ArtifactsAsked) {
  return queryOptions({
    queryKey: keyOf(entity, project, asked),
    queryFn: ({ signal }) =>
      getJson<Schemas["Artifacts"]>(
        `${routeOfProject(entity, project)}/artifacts`,
        { ...asked, offset: asked.offset || null },
        signal,
      ),
  });
}

export function artifactQuery(artifact: ArtifactName, removed: boolean, limit: number) {
  return queryOptions({
    queryKey: keyOf(artifact.entity, artifact.project, artifact.name, { removed, limit }),
    queryFn: ({ signal }) =>
      getJson<ArtifactDetail>(routeOf(artifact), { removed: String(removed), limit }, signal),
  });
}

export function versionQuery(artifact: ArtifactName, version: string) {
  return queryOptions({
    queryKey: keyOf(artifact.entity, artifact.project, artifact.name, "version", version),
    queryFn: ({ signal }) => getJson<VersionDetail>(routeOfVersion(artifact, version), {}, signal),
  });
}

export function eventsQuery(artifact: ArtifactName, limit: number) {
  return queryOptions({
    queryKey: keyOf(artifact.entity, artifact.project, artifact.name, "events", limit),
    queryFn: ({ signal }) => getJson<Schemas["Events"]>(`${routeOf(artifact)}/events`, { limit }, signal),
  });
}

export interface EntriesAsked {
  folder: string;
  search: string;
  offset: number;
  limit: number;
}

export function entriesQuery(artifact: ArtifactName, version: string, asked: EntriesAsked) {
  return queryOptions({
    queryKey: keyOf(artifact.entity, artifact.project, artifact.name, "version", version, "entries", asked),
    queryFn: ({ signal }) =>
      getJson<Schemas["Entries"]>(
        `${routeOfVersion(artifact, version)}/entries`,
        { ...asked, offset: asked.offset || null },
        signal,
      ),
  });
}

export function versionsDiffQuery(artifact: ArtifactName, a: string, b: string) {
  return queryOptions({
    queryKey: keyOf(artifact.entity, artifact.project, artifact.name, "compare", a, b),
    queryFn: ({ signal }) => getJson<VersionsDiff>(`${routeOf(artifact)}/compare`, { a, b }, signal),
  });
}

export function editArtifact(artifact: ArtifactName, edit: CollectionEdit): Promise<ArtifactDetail> {
  return sendJson("PATCH", routeOf(artifact), edit);
}

/** An ApiError with status 409 if somebody else changed it meanwhile. */
export function editVersion(
  artifact: ArtifactName,
  version: number,
  edit: VersionEdit,
): Promise<VersionDetail> {
  return sendJson("PATCH", routeOfVersion(artifact, `v${version}`), edit);
}

export interface VersionsToRemove {
  versions: readonly { name: string; version: number }[];
  why: string;
  with_aliases: boolean;
  dry_run: boolean;
}

export function removeVersions(entity: string, project: string, removal: VersionsToRemove): Promise<Removal> {
  return postJson(`${routeOfProject(entity, project)}/artifacts/remove`, removal);
}

export function runArtifactsQuery(runKey: string) {
  return queryOptions({
    queryKey: ["run", runKey, "artifacts"],
    queryFn: ({ signal }) =>
      getJson<RunArtifacts>(`runs/${encodeURIComponent(runKey)}/artifacts`, {}, signal),
  });
}

export function projectStorageQuery(entity: string, project: string) {
  return queryOptions({
    queryKey: ["project", entity, project, "storage"],
    queryFn: ({ signal }) =>
      getJson<ProjectStorage>(`${routeOfProject(entity, project)}/storage`, {}, signal),
  });
}

export const allStorageQuery = queryOptions({
  queryKey: ["storage"],
  queryFn: ({ signal }) => getJson<Schemas["Storage"]>("storage", {}, signal),
});

export function collectGarbage(dryRun: boolean): Promise<Collected> {
  return postJson("storage/collect", { dry_run: dryRun });
}
