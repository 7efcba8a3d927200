import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { channelsQuery, namesOf, runAlertsQuery } from "@/api/alerts";
import { getAccess } from "@/api/session";
import type { RunDetail } from "@/api/types";
import { AlertItem } from "./AlertItem";
import "@/styles/alerts.css";

const SHOWN = 5;

/** What was raised in a run; nothing at all while nothing was. */
export default function RunAlerts({ run }: { run: RunDetail }) {
  const { data } = useQuery(runAlertsQuery(run.run_key));
  const alerts = data?.alerts ?? [];
  const isShared = getAccess().kind === "share";
  const channels = useQuery({
    ...channelsQuery(run.entity, run.project),
    enabled: !isShared && alerts.length > 0,
  });
  if (alerts.length === 0) return null;
  return (
    <section className="block" aria-label="Alerts">
      <h2>
        Alerts <span className="count">{alerts.length}</span>
        <span className="grow" />
        {!isShared && (
          <Link
            to="/$entity/$project/alerts"
            params={{ entity: run.entity, project: run.project }}
            search={{}}
            className="link-button"
          >
            All of the project
          </Link>
        )}
      </h2>
      <ul className="alert-list">
        {alerts.slice(0, SHOWN).map((alert) => (
          <AlertItem
            key={alert.id}
            alert={alert}
            condition={null}
            channels={channels.data ? namesOf(channels.data) : null}
            onSeen={null}
          />
        ))}
      </ul>
      {alerts.length > SHOWN && <p className="muted">and {alerts.length - SHOWN} more</p>}
    </section>
  );
}
