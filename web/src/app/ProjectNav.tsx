import { Link } from "@tanstack/react-router";
import type { Params } from "@/state/viewUrl";

interface ProjectNavProps {
  entity: string;
  project: string;
}

/** What a place of the view in the address is to the other pages: they share filter, sort, groups and selection. */
const SHARED = ["runs", "runs_regex", "filter", "sort", "group", "show", "hide", "pin"];

function sharedOf(search: Params): Params {
  return Object.fromEntries(Object.entries(search).filter(([name]) => SHARED.includes(name)));
}

/** The pages of a project. */
export function ProjectNav({ entity, project }: ProjectNavProps) {
  const params = { entity, project };
  return (
    <nav className="tabs project-tabs" aria-label="Project">
      <Link
        to="/$entity/$project"
        params={params}
        search={(search) => sharedOf(search as Params)}
        activeOptions={{ exact: true, includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Workspace
      </Link>
      <Link
        to="/$entity/$project/runs"
        params={params}
        search={(search) => sharedOf(search as Params)}
        activeOptions={{ exact: true, includeSearch: false }}
        activeProps={{ "aria-current": "page" }}
      >
        Runs
      </Link>
    </nav>
  );
}
