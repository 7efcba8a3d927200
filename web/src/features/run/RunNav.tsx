import { Link, useLocation } from "@tanstack/react-router";
import { usePageStatus } from "@/state/pageStatus";
import { useChosenInSight } from "@/ui/useChosenInSight";
import { RUN_TABS } from "./tabs";

type RunNavProps =
  | { entity: string; project: string; runId: string; runKey?: undefined }
  /** A run that was opened by its share link. */
  | { runKey: string };

/** The tabs of a run. Where they do not fit they scroll, and the chosen one is always in sight. */
export function RunNav(props: RunNavProps) {
  const nav = useChosenInSight();
  const path = useLocation({ select: ({ pathname }) => pathname });
  const several = usePageStatus(({ processes }) => processes > 1);
  const tabs = RUN_TABS.filter(({ tab }) => tab !== "processes" || several || path.endsWith("/processes"));
  return (
    <nav ref={nav} className="tabs run-tabs" aria-label="Run">
      {tabs.map(({ tab, label }) =>
        props.runKey === undefined ? (
          <Link
            key={tab}
            to="/$entity/$project/runs/$run_id/$tab"
            params={{ entity: props.entity, project: props.project, run_id: props.runId, tab }}
            activeProps={{ "aria-current": "page" }}
          >
            {label}
          </Link>
        ) : (
          <Link
            key={tab}
            to="/r/$run_key/$tab"
            params={{ run_key: props.runKey, tab }}
            activeProps={{ "aria-current": "page" }}
          >
            {label}
          </Link>
        ),
      )}
    </nav>
  );
}
