import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type MeEdit = Schemas["MeEdit"];
export type KeyRow = Schemas["KeyRow"];
export type NewKey = Schemas["NewKey"];
export type SessionRow = Schemas["SessionRow"];
export type UserRow = Schemas["UserRow"];
export type NewUser = Schemas["NewUser"];
export type UserEdit = Schemas["UserEdit"];
export type RoleName = Schemas["Member"]["role"];
export type VisibilityName = Schemas["Members"]["visibility"];
export type ShareRow = Schemas["ShareRow"];
export type NewShare = Schemas["NewShare"];

/** Keys of the query cache for everything about people. */
export const accountKeys = {
  me: ["me"] as const,
  keys: ["me", "keys"] as const,
  sessions: ["me", "sessions"] as const,
  users: ["users"] as const,
  members: (entity: string, project: string) => ["members", entity, project] as const,
  shares: ["shares"] as const,
  audit: ["audit"] as const,
};

export const meQuery = queryOptions({
  queryKey: accountKeys.me,
  queryFn: ({ signal }) => unwrap(client.GET("/api/1/me", { signal })),
});

export const keysQuery = queryOptions({
  queryKey: accountKeys.keys,
  queryFn: async ({ signal }) => (await unwrap(client.GET("/api/1/me/keys", { signal }))).keys,
});

export const sessionsQuery = queryOptions({
  queryKey: accountKeys.sessions,
  queryFn: async ({ signal }) => (await unwrap(client.GET("/api/1/me/sessions", { signal }))).sessions,
});

export const usersQuery = queryOptions({
  queryKey: accountKeys.users,
  queryFn: async ({ signal }) => (await unwrap(client.GET("/api/1/users", { signal }))).users,
});

export const sharesQuery = queryOptions({
  queryKey: accountKeys.shares,
  queryFn: async ({ signal }) => (await unwrap(client.GET("/api/1/shares", { signal }))).shares,
});

export function membersQuery(entity: string, project: string) {
  return queryOptions({
    queryKey: accountKeys.members(entity, project),
    queryFn: ({ signal }) =>
      unwrap(
        client.GET("/api/1/projects/{entity}/{project}/members", {
          params: { path: { entity, project } },
          signal,
        }),
      ),
  });
}

/** One page of the audit trail, the newest first; *before* is the `id` of the last line seen. */
export function fetchAudit(before: number | null, signal: AbortSignal) {
  const query = before === null ? {} : { before };
  return unwrap(client.GET("/api/1/audit", { params: { query }, signal }));
}

export function editMe(edit: MeEdit) {
  return unwrap(client.PATCH("/api/1/me", { body: edit }));
}

export function createKey(key: NewKey) {
  return unwrap(client.POST("/api/1/me/keys", { body: key }));
}

export function revokeKey(id: string) {
  return unwrap(client.DELETE("/api/1/me/keys/{key_id}", { params: { path: { key_id: id } } }));
}

export function endSessionOf(id: string) {
  return unwrap(client.DELETE("/api/1/me/sessions/{session_id}", { params: { path: { session_id: id } } }));
}

export function createUser(user: NewUser) {
  return unwrap(client.POST("/api/1/users", { body: user }));
}

export function editUser(user: string, edit: UserEdit) {
  return unwrap(client.PATCH("/api/1/users/{user}", { params: { path: { user } }, body: edit }));
}

export function createInvite(user: string) {
  return unwrap(client.POST("/api/1/users/{user}/invite", { params: { path: { user } } }));
}

export function setMember(entity: string, project: string, user: string, role: RoleName | null) {
  const params = { path: { entity, project, user } };
  const route = "/api/1/projects/{entity}/{project}/members/{user}";
  return unwrap(
    role === null ? client.DELETE(route, { params }) : client.PUT(route, { params, body: { role } }),
  );
}

export function setVisibility(entity: string, project: string, visibility: VisibilityName) {
  return unwrap(
    client.PATCH("/api/1/projects/{entity}/{project}/visibility", {
      params: { path: { entity, project } },
      body: { visibility },
    }),
  );
}

export function createShare(share: NewShare) {
  return unwrap(client.POST("/api/1/shares", { body: share }));
}

export function revokeShare(id: string) {
  return unwrap(client.DELETE("/api/1/shares/{share_id}", { params: { path: { share_id: id } } }));
}
