import { queryOptions } from "@tanstack/react-query";
import { getJson } from "./request";

export interface RunFile {
  path: string;
  sha256: string;
  bytes: number;
  /** Unix seconds. */
  time: number;
  purpose: string;
  /** Whether this server has the bytes. */
  held: boolean;
  about: {
    mode?: number;
    /** Secrets that were hidden before the bytes were stored. */
    redacted?: number;
    untracked?: boolean;
    files?: number;
  };
}

export interface FilePage {
  files: RunFile[];
  total: number;
  bytes: number;
}

export interface FileQuery {
  purpose: string;
  search: string;
  offset: number;
  limit: number;
}

export function filesQuery(runKey: string, query: FileQuery) {
  return queryOptions({
    queryKey: ["run", runKey, "files", query],
    queryFn: ({ signal }) =>
      getJson<FilePage>(`runs/${encodeURIComponent(runKey)}/files`, { ...query }, signal),
  });
}

export interface GitFacts {
  commit: string;
  branch: string | null;
  remote: string | null;
  dirty: boolean;
  detached: boolean;
  submodules?: { path: string; commit: string }[];
  message?: string | null;
}

export interface Skipped {
  path: string;
  reason: string;
  bytes?: number | null;
}

export interface RunCode {
  git: GitFacts | null;
  kind: string;
  /** Uncommitted changes. */
  patch: RunFile | null;
  /** Files that are in no commit, or all where there is no repository. */
  files: RunFile[];
  files_total: number;
  /** What the commit holds: JSON, a list of `TreeEntry`. */
  tree: RunFile | null;
  skipped: Skipped[];
  command: string;
  cwd: string;
}

export function codeQuery(runKey: string) {
  return queryOptions({
    queryKey: ["run", runKey, "code"],
    queryFn: ({ signal }) => getJson<RunCode>(`runs/${encodeURIComponent(runKey)}/code`, {}, signal),
  });
}

/** A file of the commit: path, mode, git's blob id, bytes. */
export type TreeEntry = readonly [path: string, mode: number, id: string, bytes: number];
