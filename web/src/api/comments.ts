import { queryOptions } from "@tanstack/react-query";
import { getJson, postJson, sendJson } from "./request";

export type TargetKind = "report" | "run" | "panel";

/** What a comment is about. `part`: a figure of a report, or a panel of a run's page; "" for the whole. */
export interface Target {
  kind: TargetKind;
  id: string;
  part: string;
}

export interface Comment {
  id: string;
  entity: string;
  project: string;
  target: Target;
  text: string;
  author: string;
  created_at: number;
  edited_at: number | null;
  /** The first comment of its thread; null for that one itself. */
  reply_to: string | null;
  resolved_by: string | null;
  version: number;
  mine: boolean;
  may_delete: boolean;
}

export interface CommentList {
  comments: Comment[];
  open: { kind: TargetKind; id: string; part: string; open: number }[];
  may_comment: boolean;
}

const routeOf = (entity: string, project: string) =>
  `projects/${encodeURIComponent(entity)}/${encodeURIComponent(project)}/comments`;
const routeOfOne = (id: string) => `comments/${encodeURIComponent(id)}`;

export const commentKeys = {
  project: (entity: string, project: string) => ["comments", entity, project] as const,
};

/** The comments on one thing. */
export function commentsQuery(entity: string, project: string, kind: TargetKind, id: string) {
  return queryOptions({
    queryKey: [...commentKeys.project(entity, project), kind, id],
    queryFn: ({ signal }) => getJson<CommentList>(routeOf(entity, project), { kind, target: id }, signal),
    refetchInterval: 20_000,
  });
}

export function createComment(
  entity: string,
  project: string,
  made: { target: Target; text: string; reply_to?: string },
): Promise<Comment> {
  return postJson(routeOf(entity, project), made);
}

export function changeComment(
  id: string,
  change: { version: number; text?: string; resolved?: boolean },
): Promise<Comment> {
  return sendJson("PUT", routeOfOne(id), change);
}

export async function deleteComment(id: string): Promise<void> {
  await sendJson("DELETE", routeOfOne(id));
}
