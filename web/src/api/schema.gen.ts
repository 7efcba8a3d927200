/**
 * Types of the HTTP API in the shape openapi-typescript gives them.
 * Regenerate with: npm run gen-api
 */
export interface paths {
  "/api/1/session": {
    get: Operation<never, never, components["schemas"]["SessionInfo"]>;
    post: Operation<never, components["schemas"]["SessionRequest"], components["schemas"]["SessionToken"]>;
    delete: Operation<never, never, unknown>;
  };
  "/api/1/projects": { get: Operation<never, never, components["schemas"]["ProjectList"]> };
  "/api/1/projects/{entity}/{project}": {
    get: Operation<{ path: { entity: string; project: string } }, never, components["schemas"]["ProjectDetail"]>;
  };
  "/api/1/runs/query": {
    post: Operation<never, components["schemas"]["RunQuery"], components["schemas"]["RunPage"]>;
  };
  "/api/1/runs/{run_key}": {
    get: Operation<{ path: { run_key: string } }, never, components["schemas"]["RunDetail"]>;
    patch: Operation<{ path: { run_key: string } }, components["schemas"]["RunEdit"], components["schemas"]["RunDetail"]>;
  };
}

interface Operation<Parameters, Body, Reply> {
  parameters: [Parameters] extends [never] ? { query?: never; header?: never; path?: never; cookie?: never } : Parameters & { query?: never; header?: never; cookie?: never };
  requestBody: [Body] extends [never] ? never : { content: { "application/json": Body } };
  responses: {
    200: { headers: { [name: string]: unknown }; content: { "application/json": Reply } };
    422: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["ErrorReply"] } };
  };
}

export interface components {
  schemas: {
    ErrorReply: { error: { code: string; message: string; hint?: string | null } };
    SessionRequest: { one_time: string };
    SessionToken: { token: string; expires_at: string | number };
    SessionInfo: { version: string; mode: string; data_dir: string; hostname: string; entity: string };
    ProjectList: { projects: components["schemas"]["ProjectRow"][] };
    ProjectRow: {
      entity: string; project: string; runs: number; running: number; failed: number;
      created_at: number | null; last_activity_at: number | null;
      spark: { key: string; values: components["schemas"]["Number"][] } | null;
    };
    ProjectDetail: {
      entity: string; project: string; runs: number; running: number;
      keys: components["schemas"]["KeyInfo"][];
      config_keys: { key: string; type: string; distinct: number }[];
    };
    Number: number | "NaN" | "Infinity" | "-Infinity" | null;
    KeyInfo: {
      key: string; kind: "number" | "text" | "media" | "system"; runs: number;
      step_metric: string | null; goal: string | null; unit: string | null; summary: string[]; hidden: boolean;
    };
    MetricSummary: {
      last: components["schemas"]["Number"]; min: components["schemas"]["Number"]; max: components["schemas"]["Number"];
      mean: components["schemas"]["Number"]; first: components["schemas"]["Number"]; n: number; last_step: number | null;
    };
    RunQuery: {
      entity: string; project: string; filter?: string; search?: string; regex?: boolean;
      sort?: { by: string; agg?: "last" | "min" | "max" | "mean" | "first"; desc?: boolean }[];
      group?: string[]; offset?: number; limit?: number; metrics?: string[]; config?: string[] | "*";
    };
    RunPage: {
      runs: components["schemas"]["RunRow"][]; match: number; total: number;
      groups: components["schemas"]["RunGroup"][] | null; seq: number;
    };
    RunGroup: {
      path: { by: string; value: unknown }[]; count: number; runs: string[];
      metrics: { [key: string]: { mean: components["schemas"]["Number"]; std: components["schemas"]["Number"]; min: components["schemas"]["Number"]; max: components["schemas"]["Number"]; n: number } };
    };
    RunRow: {
      run_key: string; run_id: string; name: string; number: number;
      state: "running" | "finished" | "failed" | "killed" | "preempted" | "crashed";
      created_at: number; ended_at: number | null; last_activity_at: number; runtime_s: number;
      entity: string; project: string; group: string | null; job_type: string | null; tags: string[]; notes: string | null;
      host: string | null; config: { [key: string]: unknown };
      metrics: { [key: string]: components["schemas"]["MetricSummary"] };
      loss: { gaps: number; points: number } | null; damaged: boolean; archived: boolean; error: string | null;
    };
    RunDetail: components["schemas"]["RunRow"] & {
      summary: { [key: string]: unknown };
      keys: (components["schemas"]["KeyInfo"] & components["schemas"]["MetricSummary"])[];
      meta: { [key: string]: unknown };
      end: { state: string; exit_code: number | null; reason: string | null; traceback: string | null } | null;
      writers: { label: string; host: string | null; pid: number | null; rank: number | null; state: string; last_beat_at: number | null; segments: number; bytes: number; synced_bytes: number | null }[];
      guarantee: { saved: boolean; fsynced: boolean; uploaded: boolean };
      damage: { segment: string; offset: number; length: number; reason: string }[];
      url: string;
    };
    RunEdit: { name?: string; notes?: string; tags?: string[]; archived?: boolean; deleted?: boolean; group?: string };
  };
}
