import { queryOptions } from "@tanstack/react-query";
import { queryKeys } from "./queries";
import { getJson, postJson, sendJson } from "./request";
import type { RunState, WireNumber } from "./types";

/** Since when a report is frozen, by whom, and for which version of its text. */
export interface FrozenMark {
  sha256: string;
  bytes: number;
  /** Unix seconds. */
  at: number;
  by: string;
  version: number;
}

/** A report without its text. */
export interface ReportRow {
  id: string;
  entity: string;
  project: string;
  title: string;
  published: boolean;
  template: boolean;
  /** Null while it is live. */
  frozen: FrozenMark | null;
  owner: string;
  version: number;
  created_at: number;
  updated_at: number;
  updated_by: string;
  excerpt: string;
  may_edit: boolean;
  may_delete: boolean;
}

export interface Report extends ReportRow {
  markdown: string;
}

export interface ReportList {
  reports: ReportRow[];
  may_edit: boolean;
}

export interface ReportVersion {
  version: number;
  time: number;
  author: string;
  title: string;
  published: boolean;
  frozen: boolean;
  bytes: number;
}

export interface Member {
  run_key: string;
  id: string;
  name: string;
  number: number;
  state: RunState;
  created_at: number;
}

/** What a run set means: a selection, its runs in order, and their groups. */
export interface ShownRuns {
  entity: string;
  project: string;
  filter: string;
  search: string;
  regex: boolean;
  /** Run keys; null for all that match. */
  runs: string[] | null;
  members: Member[];
  groups: { path: { by: string; value: unknown }[]; label: string; runs: string[] }[] | null;
  pinned: string[];
  baseline: string | null;
  match: number;
  /** Why there are no runs; "" if all is well. */
  problem: string;
  unknown: string[];
}

/** What stands in the text in place of a formula. */
export interface FormulaValue {
  text: string;
  written: string;
  value: WireNumber;
  spread: WireNumber;
  n: number;
  missing: number;
  nonfinite: number;
  running: number;
  runs: string[];
  notes: string[];
  error: string;
  position: number | null;
}

/** What a report shows. */
export interface Evaluation {
  sets: Record<string, ShownRuns>;
  /** The set of figures and formulas that name none. */
  main: string;
  figures: { source: string; set: string; problem: string }[];
  formulas: Record<string, FormulaValue>;
  problems: string[];
  /** Where the data stands, for the live feed; absent in what is frozen. */
  seq?: number;
}

export interface NumberByHand {
  line: number;
  column: number;
  text: string;
  formulas: string[];
}

/** One thing that is another than when the report was frozen. */
export interface ReportDelta {
  kind: string;
  text: string;
  runs: string[];
  name: string;
}

export interface ReportChange {
  version: number;
  title?: string;
  markdown?: string;
  published?: boolean;
  template?: boolean;
}

const routeOf = (entity: string, project: string) =>
  `projects/${encodeURIComponent(entity)}/${encodeURIComponent(project)}/reports`;
const routeOfOne = (id: string) => `reports/${encodeURIComponent(id)}`;

export const reportKeys = {
  list: (entity: string, project: string) => ["reports", entity, project] as const,
  one: (id: string) => ["report", id] as const,
};

export function reportsQuery(entity: string, project: string) {
  return queryOptions({
    queryKey: reportKeys.list(entity, project),
    queryFn: ({ signal }) => getJson<ReportList>(routeOf(entity, project), {}, signal),
  });
}

/** A report, or one of its versions. */
export function reportQuery(id: string, version: number | null = null) {
  return queryOptions({
    queryKey: [...reportKeys.one(id), "text", version],
    queryFn: ({ signal }) => getJson<Report>(routeOfOne(id), { version }, signal),
  });
}

export function fetchReport(id: string, version: number | null = null): Promise<Report> {
  return getJson(routeOfOne(id), { version });
}

/** What a text shows now. News of the project's runs have it asked for again. */
export function evaluationQuery(entity: string, project: string, markdown: string) {
  return queryOptions({
    queryKey: [...queryKeys.runs(entity, project), "evaluation", markdown],
    queryFn: ({ signal }) =>
      postJson<Evaluation>(`${routeOf(entity, project)}/evaluate`, { markdown }, signal),
  });
}

/** The values of single formulas, with the run sets of a text. */
export function formulaQuery(entity: string, project: string, markdown: string, formula: string) {
  return queryOptions({
    queryKey: [...queryKeys.runs(entity, project), "formula", formula, markdown],
    queryFn: async ({ signal }) => {
      const asked = { markdown, formulas: [formula] };
      const reply = await postJson<Evaluation>(`${routeOf(entity, project)}/evaluate`, asked, signal);
      return reply.formulas[formula] ?? null;
    },
    retry: false,
  });
}

export function numbersQuery(entity: string, project: string, markdown: string) {
  return queryOptions({
    queryKey: [...queryKeys.runs(entity, project), "numbers", markdown],
    queryFn: async ({ signal }) =>
      (
        await postJson<{ numbers: NumberByHand[] }>(
          `${routeOf(entity, project)}/numbers`,
          { markdown },
          signal,
        )
      ).numbers,
  });
}

export function reportVersionsQuery(id: string) {
  return queryOptions({
    queryKey: [...reportKeys.one(id), "versions"],
    queryFn: async ({ signal }) =>
      (await getJson<{ versions: ReportVersion[] }>(`${routeOfOne(id)}/versions`, {}, signal)).versions,
    staleTime: 0,
  });
}

export function reportDiffQuery(id: string, earlier: number, later: number) {
  return queryOptions({
    queryKey: [...reportKeys.one(id), "diff", earlier, later],
    queryFn: async ({ signal }) =>
      (await getJson<{ diff: string }>(`${routeOfOne(id)}/diff`, { earlier, later }, signal)).diff,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What has changed since a report was frozen. */
export function reportChangesQuery(id: string, version: number) {
  return queryOptions({
    queryKey: [...reportKeys.one(id), "changes", version],
    queryFn: ({ signal }) =>
      getJson<{ since: number; changes: ReportDelta[] }>(`${routeOfOne(id)}/changes`, {}, signal),
    staleTime: 30_000,
  });
}

export function createReport(
  entity: string,
  project: string,
  made: { title: string; markdown: string; published?: boolean; template?: boolean },
): Promise<Report> {
  return postJson(routeOf(entity, project), made);
}

/** Saves the next version; an ApiError with status 409 if somebody else saved one meanwhile. */
export function changeReport(id: string, change: ReportChange): Promise<Report> {
  return sendJson("PUT", routeOfOne(id), change);
}

export async function deleteReport(id: string): Promise<void> {
  await sendJson("DELETE", routeOfOne(id));
}

export function freezeReport(id: string, version: number): Promise<Report> {
  return postJson(`${routeOfOne(id)}/freeze`, { version });
}

export function thawReport(id: string, version: number): Promise<Report> {
  return postJson(`${routeOfOne(id)}/thaw`, { version });
}

export function restoreReport(id: string, version: number, earlier: number): Promise<Report> {
  return postJson(`${routeOfOne(id)}/restore`, { version, earlier });
}
