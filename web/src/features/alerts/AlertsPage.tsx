import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { channelsQuery, newAlertsQuery, rulesQuery } from "@/api/alerts";
import { getAccess } from "@/api/session";
import { Segmented } from "@/ui/Segmented";
import { useTitle } from "@/ui/useTitle";
import { Channels } from "./Channels";
import { Raised } from "./Raised";
import { Rules } from "./Rules";
import type { AlertsTab } from "./tabs";
import "@/styles/corrections.css";
import "@/styles/alerts.css";

interface AlertsPageProps {
  entity: string;
  project: string;
  tab: AlertsTab;
  /** A metric to watch: the rules open with a form for it. */
  metric: string | null;
}

/** What was raised in a project, what raises it, and who is told. */
export function AlertsPage({ entity, project, tab, metric }: AlertsPageProps) {
  useTitle(`Alerts of ${project}`);
  const navigate = useNavigate();
  const rules = useQuery(rulesQuery(entity, project));
  const isShared = getAccess().kind === "share";
  const channels = useQuery({ ...channelsQuery(entity, project), enabled: !isShared });
  const fresh = useQuery(newAlertsQuery(entity, project));
  const count = fresh.data ?? 0;
  const tabs: [AlertsTab, string][] = [
    ["raised", count > 0 ? `Raised · ${count >= 100 ? "99+" : count} new` : "Raised"],
    ["rules", rules.data?.rules.length ? `Rules · ${rules.data.rules.length}` : "Rules"],
  ];
  if (channels.data) {
    const some = channels.data.channels.length;
    tabs.push(["channels", some > 0 ? `Channels · ${some}` : "Channels"]);
  }
  return (
    <main id="main" className="corrections-page alerts-page">
      <header>
        <h1>Alerts</h1>
        <Segmented
          label="What to show"
          value={tab}
          options={tabs}
          onChange={(next) =>
            void navigate({
              to: "/$entity/$project/alerts",
              params: { entity, project },
              search: next === "raised" ? {} : { tab: next },
            })
          }
        />
      </header>
      {tab === "raised" && <Raised entity={entity} project={project} />}
      {tab === "rules" && <Rules entity={entity} project={project} metric={metric} />}
      {tab === "channels" && <Channels entity={entity} project={project} />}
    </main>
  );
}
