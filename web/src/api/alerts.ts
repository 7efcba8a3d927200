import { queryOptions } from "@tanstack/react-query";
import { getJson, postJson, sendJson } from "./request";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Alert = Schemas["AlertRow"];
export type AlertLevel = Alert["level"];
export type AlertList = Schemas["AlertRows"];
export type Channel = Schemas["ChannelRow"];
export type ChannelKind = Channel["kind"];
export type ChannelList = Schemas["ChannelRows"];
export type ChannelTest = Schemas["ChannelTest"];
export type Quiet = NonNullable<Channel["quiet"]>;
export type RulePreview = Schemas["AlertRulePreview"];
export type EndState = NonNullable<Schemas["AlertCondition"]["states"]>[number];
export type Only = "all" | "new" | "open";

/** What a rule watches for, as the server has it; which fields it has depends on its kind. */
export interface Condition {
  kind: Schemas["AlertCondition"]["kind"];
  key?: string;
  op?: ">" | ">=" | "<" | "<=";
  value?: number;
  clear?: number;
  points?: number;
  by?: number;
  steps?: number;
  direction?: "rise" | "fall" | "any";
  relative?: boolean;
  score?: number;
  side?: "above" | "below" | "any";
  what?: "nan" | "inf" | "any";
  seconds?: number;
  goal?: "minimize" | "maximize";
  states?: EndState[];
}

export interface RuleSpec {
  condition: Condition;
  filter: string;
  level: AlertLevel;
  channels: string[] | null;
  note: string;
}

export interface Rule extends Omit<Schemas["AlertRuleRow"], "spec"> {
  spec: RuleSpec;
}

interface RuleList {
  rules: Rule[];
  may_edit: boolean;
}

export interface RuleChange {
  version: number;
  name?: string;
  spec?: RuleSpec;
  enabled?: boolean;
}

export interface ChannelBody {
  version?: number;
  kind?: ChannelKind;
  name?: string;
  enabled?: boolean;
  level?: AlertLevel;
  to?: string[];
  url?: string;
  secret?: string;
  quiet?: Quiet | "none";
}

const projectRoute = (entity: string, project: string) =>
  `projects/${encodeURIComponent(entity)}/${encodeURIComponent(project)}`;
const ruleRoute = (id: string) => `alert-rules/${encodeURIComponent(id)}`;

const LOOK_MS = 10_000;

/** Begins of the keys of all that is about the alerts of a project. */
export const alertKeys = {
  list: (entity: string, project: string) => ["alerts", entity, project] as const,
  rules: (entity: string, project: string) => ["alert-rules", entity, project] as const,
  channels: (entity: string, project: string) => ["alert-channels", entity, project] as const,
};

export function fetchAlerts(
  entity: string,
  project: string,
  only: Only,
  before: string | null,
  signal: AbortSignal,
): Promise<AlertList> {
  return getJson(`${projectRoute(entity, project)}/alerts`, { only, before, limit: 30 }, signal);
}

export function newAlertsQuery(entity: string, project: string) {
  return queryOptions({
    queryKey: [...alertKeys.list(entity, project), "count"],
    queryFn: async ({ signal }) =>
      (await getJson<{ count: number }>(`${projectRoute(entity, project)}/alerts/count`, {}, signal)).count,
    refetchInterval: LOOK_MS,
    retry: false,
  });
}

export function runAlertsQuery(runKey: string) {
  return queryOptions({
    queryKey: ["run", runKey, "alerts"],
    queryFn: ({ signal }) => getJson<AlertList>(`runs/${runKey}/alerts`, {}, signal),
    refetchInterval: LOOK_MS,
    retry: false,
  });
}

/** Some alerts, or all new ones up to the time of the newest that somebody saw. */
export type Seen = { ids: string[]; seen: boolean } | { until: number };

export function setSeen(entity: string, project: string, what: Seen): Promise<unknown> {
  return postJson(`${projectRoute(entity, project)}/alerts/seen`, what);
}

export function rulesQuery(entity: string, project: string) {
  return queryOptions({
    queryKey: alertKeys.rules(entity, project),
    queryFn: ({ signal }) => getJson<RuleList>(`${projectRoute(entity, project)}/alert-rules`, {}, signal),
  });
}

export function createRule(
  entity: string,
  project: string,
  made: { name: string; spec: RuleSpec },
): Promise<Rule> {
  return postJson(`${projectRoute(entity, project)}/alert-rules`, made);
}

/** Saves the next version; an ApiError with status 409 if somebody else saved one meanwhile. */
export function changeRule(id: string, change: RuleChange): Promise<Rule> {
  return sendJson("PUT", ruleRoute(id), change);
}

export async function deleteRule(id: string): Promise<void> {
  await sendJson("DELETE", ruleRoute(id));
}

export function previewRule(
  entity: string,
  project: string,
  spec: RuleSpec,
  signal: AbortSignal,
): Promise<RulePreview> {
  return postJson(`${projectRoute(entity, project)}/alert-rules/preview`, { spec }, signal);
}

export function channelsQuery(entity: string, project: string) {
  return queryOptions({
    queryKey: alertKeys.channels(entity, project),
    queryFn: ({ signal }) =>
      getJson<ChannelList>(`${projectRoute(entity, project)}/alert-channels`, {}, signal),
    refetchInterval: LOOK_MS,
    retry: false,
  });
}

/** The names of channels by id. */
export function namesOf({ channels }: ChannelList): ReadonlyMap<string, string> {
  return new Map(channels.map((channel) => [channel.id, channel.name]));
}

const channelRoute = (entity: string, project: string, id: string) =>
  `${projectRoute(entity, project)}/alert-channels/${encodeURIComponent(id)}`;

export function createChannel(entity: string, project: string, body: ChannelBody): Promise<Channel> {
  return postJson(`${projectRoute(entity, project)}/alert-channels`, body);
}

export function changeChannel(
  entity: string,
  project: string,
  id: string,
  body: ChannelBody,
): Promise<Channel> {
  return sendJson("PUT", channelRoute(entity, project, id), body);
}

export async function deleteChannel(entity: string, project: string, id: string): Promise<void> {
  await sendJson("DELETE", channelRoute(entity, project, id));
}

export function testChannel(entity: string, project: string, id: string): Promise<ChannelTest> {
  return postJson(`${channelRoute(entity, project, id)}/test`, {});
}

export function sendAgain(entity: string, project: string, id: string): Promise<{ queued: number }> {
  return postJson(`${channelRoute(entity, project, id)}/again`, {});
}
