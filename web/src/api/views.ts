import { getJson, postJson, sendJson } from "./request";

/** A saved view without what is in it. */
export interface ViewRow {
  id: string;
  entity: string;
  project: string;
  name: string;
  shared: boolean;
  owner: string;
  mine: boolean;
  /** It opens first in its project, or in new projects of its entity. */
  default: "project" | "entity" | null;
  version: number;
  updated_at: number | string;
  may_edit: boolean;
}

/** A saved view; `spec` is the page's own JSON (state/spec.ts). */
export interface SavedView extends ViewRow {
  spec: unknown;
}

export interface ViewList {
  views: ViewRow[];
  /** What opens first. */
  default: SavedView | null;
}

export interface ViewChange {
  version: number;
  name?: string;
  shared?: boolean;
  spec?: unknown;
  default?: "project" | "entity" | "none";
}

const routeOf = (entity: string, project: string) =>
  `projects/${encodeURIComponent(entity)}/${encodeURIComponent(project)}/views`;

export function fetchViews(entity: string, project: string, signal?: AbortSignal): Promise<ViewList> {
  return getJson(routeOf(entity, project), {}, signal);
}

export function fetchView(id: string, signal?: AbortSignal): Promise<SavedView> {
  return getJson(`views/${encodeURIComponent(id)}`, {}, signal);
}

export function createView(
  entity: string,
  project: string,
  view: { name: string; shared: boolean; spec: unknown },
): Promise<SavedView> {
  return postJson(routeOf(entity, project), view);
}

/** Saves the next version; an ApiError with status 409 if somebody else saved one meanwhile. */
export function putView(id: string, change: ViewChange): Promise<SavedView> {
  return sendJson("PUT", `views/${encodeURIComponent(id)}`, change);
}

export async function deleteView(id: string): Promise<void> {
  await sendJson("DELETE", `views/${encodeURIComponent(id)}`);
}
