import { queryOptions } from "@tanstack/react-query";
import { getJson, postJson, sendJson } from "./request";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type ModelRow = Schemas["ModelRow"];
export type ModelDetail = Schemas["ModelReply"];
export type ModelVersion = Schemas["ModelVersion"];
export type NewModel = Schemas["NewModel"];
export type ModelEdit = Partial<Schemas["ModelEdit"]> & { version: number };
export type NewLink = Schemas["NewLink"];
export type Promotion = Schemas["PromotionReply"];
export type CheckResult = Schemas["CheckResult"];

const routeOf = (id: string) => `models/${encodeURIComponent(id)}`;

export const modelKeys = {
  all: ["models"] as const,
  one: (id: string) => ["models", "one", id] as const,
};

export function modelsQuery(entity: string, project: string | null) {
  return queryOptions({
    queryKey: [...modelKeys.all, entity, project],
    queryFn: async ({ signal }) =>
      (await getJson<Schemas["Models"]>("models", { entity, project }, signal)).models,
  });
}

export function modelQuery(id: string) {
  return queryOptions({
    queryKey: modelKeys.one(id),
    queryFn: ({ signal }) => getJson<ModelDetail>(routeOf(id), {}, signal),
  });
}

export function modelEventsQuery(id: string, limit: number) {
  return queryOptions({
    queryKey: [...modelKeys.one(id), "events", limit],
    queryFn: ({ signal }) => getJson<Schemas["Events"]>(`${routeOf(id)}/events`, { limit }, signal),
  });
}

export function createModel(model: NewModel): Promise<ModelDetail> {
  return postJson("models", model);
}

export function editModel(id: string, edit: ModelEdit): Promise<ModelDetail> {
  return sendJson("PUT", routeOf(id), edit);
}

export async function deleteModel(id: string): Promise<void> {
  await sendJson("DELETE", routeOf(id));
}

export function linkVersion(id: string, link: NewLink): Promise<ModelDetail> {
  return postJson(`${routeOf(id)}/versions`, link);
}

export function unlinkVersion(id: string, number: number): Promise<ModelDetail> {
  return sendJson("DELETE", `${routeOf(id)}/versions/${number}`);
}

export interface Promoting {
  alias: string;
  /** Null takes the alias away. */
  number: number | null;
  note: string;
  dry_run: boolean;
}

/** An ApiError with status 409 if a check fails; its message names the check. */
export function promote(id: string, promoting: Promoting): Promise<Promotion> {
  return postJson(`${routeOf(id)}/promotions`, promoting);
}
