import { queryOptions } from "@tanstack/react-query";
import { getJson, postJson, sendJson } from "./request";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type CorrectionKind = Schemas["CorrectionRow"]["kind"];

/** What a correction does, as the server has it; which fields it has depends on its kind. */
export interface Rule {
  kind: CorrectionKind;
  from?: string | string[];
  to?: string | string[];
  into?: string;
  keys?: string | string[];
  key?: string;
  factor?: number;
  offset?: number;
  unit?: string;
  runs?: "all" | string[];
  steps?: [number | null, number | null];
  times?: [number | null, number | null];
  below?: number;
  above?: number;
}

export interface Correction extends Omit<Schemas["CorrectionRow"], "rule"> {
  rule: Rule;
}

export interface CorrectionVersion extends Omit<Schemas["CorrectionVersionRow"], "rule"> {
  rule: Rule;
}

export type Preview = Schemas["CorrectionPreview"];
export type PreviewKey = Schemas["CorrectionPreviewKey"];

interface CorrectionList {
  corrections: Correction[];
  may_edit: boolean;
}

export interface CorrectionChange {
  version: number;
  rule?: Rule;
  enabled?: boolean;
  note?: string;
  position?: number;
}

const routeOf = (entity: string, project: string) =>
  `projects/${encodeURIComponent(entity)}/${encodeURIComponent(project)}/corrections`;
const routeOfOne = (id: string) => `corrections/${encodeURIComponent(id)}`;

// Begins like the key of the project, so that news of the project are news of its corrections.
export function correctionsQuery(entity: string, project: string) {
  return queryOptions({
    queryKey: ["project", entity, project, "corrections"],
    queryFn: ({ signal }) => getJson<CorrectionList>(routeOf(entity, project), {}, signal),
  });
}

export function versionsQuery(id: string) {
  return queryOptions({
    queryKey: ["correction", id, "versions"],
    queryFn: async ({ signal }) =>
      (await getJson<{ versions: CorrectionVersion[] }>(`${routeOfOne(id)}/versions`, {}, signal)).versions,
    staleTime: 0,
  });
}

export function previewCorrection(
  entity: string,
  project: string,
  asked: { rule: Rule; replaces: string | null },
  signal?: AbortSignal,
): Promise<Preview> {
  return postJson(`${routeOf(entity, project)}/preview`, asked, signal);
}

export function createCorrection(
  entity: string,
  project: string,
  made: { rule: Rule; note: string },
): Promise<Correction> {
  return postJson(routeOf(entity, project), made);
}

/** Saves the next version; an ApiError with status 409 if somebody else saved one meanwhile. */
export function changeCorrection(id: string, change: CorrectionChange): Promise<Correction> {
  return sendJson("PUT", routeOfOne(id), change);
}

export async function deleteCorrection(id: string): Promise<void> {
  await sendJson("DELETE", routeOfOne(id));
}
