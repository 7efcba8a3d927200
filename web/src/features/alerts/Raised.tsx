import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellRing, CheckCheck } from "lucide-react";
import { useState } from "react";
import {
  type Alert,
  alertKeys,
  channelsQuery,
  fetchAlerts,
  namesOf,
  type Only,
  rulesQuery,
  type Seen,
  setSeen,
} from "@/api/alerts";
import { getAccess } from "@/api/session";
import { ErrorLine } from "@/ui/ErrorLine";
import { ErrorNote } from "@/ui/ErrorNote";
import { Segmented } from "@/ui/Segmented";
import { AlertItem } from "./AlertItem";

const SHOWN: readonly (readonly [Only, string])[] = [
  ["all", "All"],
  ["new", "New"],
  ["open", "Still so"],
];

/** Whoever looks waits for news; whoever reads old ones has them all asked for again. */
const REFRESH_MS = 3_000;
const REFRESH_OLD_MS = 15_000;

/** Alerts, the newest first, each with the metric around it. */
export function Raised({ entity, project }: { entity: string; project: string }) {
  const queries = useQueryClient();
  const [only, setOnly] = useState<Only>("all");
  const pages = useInfiniteQuery({
    queryKey: [...alertKeys.list(entity, project), only],
    queryFn: ({ pageParam, signal }) => fetchAlerts(entity, project, only, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.before,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 1) > 1 ? REFRESH_OLD_MS : REFRESH_MS),
  });
  const rules = useQuery(rulesQuery(entity, project));
  const channels = useQuery({ ...channelsQuery(entity, project), enabled: getAccess().kind !== "share" });
  const turn = useMutation({
    mutationFn: (what: Seen) => setSeen(entity, project, what),
    onSettled: () => queries.invalidateQueries({ queryKey: alertKeys.list(entity, project) }),
  });
  if (pages.error) return <ErrorNote error={pages.error} />;
  const alerts = pages.data?.pages.flatMap((page) => page.alerts) ?? [];
  const mayEdit = pages.data?.pages[0]?.may_edit ?? false;
  const newest = alerts.find((alert) => alert.seen_by === null);
  const names = channels.data ? namesOf(channels.data) : null;
  const conditions = new Map((rules.data?.rules ?? []).map((rule) => [rule.id, rule.spec.condition]));
  return (
    <>
      <div className="alerts-bar">
        <Segmented label="Which alerts" value={only} options={SHOWN} onChange={setOnly} />
        <span className="grow" />
        {mayEdit && newest && (
          <button
            type="button"
            className="button"
            disabled={turn.isPending}
            onClick={() => turn.mutate({ until: Math.max(...alerts.map(({ time }) => time)) })}
          >
            <CheckCheck size={14} /> Mark all as seen
          </button>
        )}
      </div>
      {turn.error && <ErrorLine error={turn.error} />}
      {pages.data && alerts.length === 0 && !pages.hasNextPage && (
        <Nothing entity={entity} project={project} only={only} hasRules={conditions.size > 0} />
      )}
      {byDay(alerts).map(([day, some]) => (
        <section key={day} className="block alerts-day" aria-label={day}>
          <h2>{day}</h2>
          <ul className="alert-list">
            {some.map((alert) => (
              <AlertItem
                key={alert.id}
                alert={alert}
                condition={alert.rule === null ? null : (conditions.get(alert.rule) ?? null)}
                channels={names}
                namesRun
                onSeen={mayEdit ? (seen) => turn.mutate({ ids: [alert.id], seen }) : null}
              />
            ))}
          </ul>
        </section>
      ))}
      {pages.hasNextPage && (
        <button
          type="button"
          className="button more"
          disabled={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          Earlier alerts
        </button>
      )}
    </>
  );
}

interface NothingProps {
  entity: string;
  project: string;
  only: Only;
  hasRules: boolean;
}

function Nothing({ entity, project, only, hasRules }: NothingProps) {
  if (only !== "all") {
    return (
      <div className="empty">
        <BellRing size={20} />
        <b>{only === "new" ? "Everything has been seen" : "Nothing is wrong now"}</b>
      </div>
    );
  }
  return (
    <div className="empty">
      <BellRing size={20} />
      <b>No alerts so far</b>
      <span>
        {hasRules ? (
          "The rules watch every run that is running."
        ) : (
          <>
            A rule watches every run for you – NaN, a bound, no progress, a run that dies – and tells whoever
            should know.{" "}
            <Link to="/$entity/$project/alerts" params={{ entity, project }} search={{ tab: "rules" }}>
              Make the first rule
            </Link>
          </>
        )}
      </span>
      <code>run.alert("accuracy is low", level="WARN")</code>
    </div>
  );
}

/** Alerts by the day on which they were noticed, in the reader's zone. */
function byDay(alerts: readonly Alert[]): [string, Alert[]][] {
  const days = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const day = new Date(alert.time * 1000).toLocaleDateString(undefined, {
      weekday: "long",
      day: "numeric",
      month: "long",
      year: "numeric",
    });
    days.set(day, [...(days.get(day) ?? []), alert]);
  }
  return [...days];
}
