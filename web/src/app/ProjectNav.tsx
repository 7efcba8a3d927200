import { Link } from "@tanstack/react-router";
import { leftAddress } from "@/grid/viewAddress";
import { useChosenInSight } from "@/ui/useChosenInSight";
import { AlertCount } from "./AlertCount";

interface ProjectNavProps {
  entity: string;
  project: string;
}

/** The pages of a project; workspace and runs show one view, with its filter, sort, groups and selection. */
export function ProjectNav({ entity, project }: ProjectNavProps) {
  const params = { entity, project };
  const nav = useChosenInSight();
  return (
    <nav ref={nav} className="tabs project-tabs" aria-label="Project">
      <Link
        to="/$entity/$project"
        params={params}
        search={() => leftAddress(`${entity}/${project}`)}
        activeOptions={{ exact: true, includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Workspace
      </Link>
      <Link
        to="/$entity/$project/runs"
        params={params}
        search={() => leftAddress(`${entity}/${project}`)}
        activeOptions={{ exact: true, includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Runs
      </Link>
      <Link
        to="/$entity/$project/artifacts"
        params={params}
        search={{}}
        activeOptions={{ includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Artifacts
      </Link>
      <Link
        to="/$entity/$project/models"
        params={params}
        search={{}}
        activeOptions={{ includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Models
      </Link>
      <Link
        to="/$entity/$project/reports"
        params={params}
        search={{}}
        activeOptions={{ includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Reports
      </Link>
      <Link
        to="/$entity/$project/alerts"
        params={params}
        search={{}}
        activeOptions={{ exact: true, includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Alerts
        <AlertCount entity={entity} project={project} />
      </Link>
      <Link
        to="/$entity/$project/corrections"
        params={params}
        search={{}}
        activeOptions={{ exact: true, includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Corrections
      </Link>
    </nav>
  );
}
