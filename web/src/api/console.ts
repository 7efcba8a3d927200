import { getJson } from "./request";

export interface LogLine {
  /** Unix seconds. */
  time: number;
  stream: "stdout" | "stderr";
  text: string;
  writer: string;
  /** Its number among all lines of the run, from 0. */
  n: number;
}

/** What stands behind the last finished line: a progress bar, a prompt. May hold several lines. */
export interface OpenLine {
  time: number;
  stream: string;
  text: string;
  writer: string;
}

export interface LogPage {
  lines: LogLine[];
  /** Where to go on. */
  next: number;
  /** Lines of the run, whatever was asked for. */
  total: number;
  state: OpenLine[];
}

export interface LogQuery {
  offset: number;
  limit: number;
  search?: string;
  writer?: string | null;
  stream?: "stdout" | "stderr" | null;
}

export function fetchLog(runKey: string, query: LogQuery, signal?: AbortSignal): Promise<LogPage> {
  const { writer, ...rest } = query;
  // The main writer's name is empty, which differs from asking for all.
  const parameters = { ...rest, ...(writer ? { writer } : {}) };
  return getJson(`runs/${encodeURIComponent(runKey)}/console`, parameters, signal);
}
