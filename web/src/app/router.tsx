import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { basePath } from "@/api/base";
import { runQuery } from "@/api/queries";
import { getAccess } from "@/api/session";
import { isAlertsTab } from "@/features/alerts/tabs";
import { isVersionTab } from "@/features/artifacts/tabs";
import { ProjectsPage } from "@/features/projects/ProjectsPage";
import { RunPage, SharedRunPage } from "@/features/run/RunPage";
import { isRunTab } from "@/features/run/tabs";
import { isSettingsTab } from "@/features/settings/tabs";
import { WorkspacePage } from "@/features/workspace/WorkspacePage";
import type { Params } from "@/state/viewUrl";
import { ErrorNote } from "@/ui/ErrorNote";
import { NotFoundPage } from "./NotFoundPage";
import { Shell } from "./Shell";

const rootRoute = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Shell,
  notFoundComponent: NotFoundPage,
  errorComponent: ({ error }) => (
    <ErrorNote error={error instanceof Error ? error : new Error(String(error))} />
  ),
  // Parameters are text here and get their meaning in state/viewUrl.ts.
  validateSearch: (search): Params => search as Params,
});

const projectsRoute = createRoute({ getParentRoute: () => rootRoute, path: "/", component: ProjectsPage });

const workspaceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project",
  component: function Workspace() {
    const { entity, project } = workspaceRoute.useParams();
    return <WorkspacePage key={`${entity}/${project}`} entity={entity} project={project} />;
  },
});

const RunsPage = lazyRouteComponent(() => import("@/features/runs/RunsPage"), "RunsPage");

const runsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/runs",
  component: function Runs() {
    const { entity, project } = runsRoute.useParams();
    return <RunsPage key={`${entity}/${project}`} entity={entity} project={project} />;
  },
});

const ComparePage = lazyRouteComponent(() => import("@/features/compare/ComparePage"), "ComparePage");

const compareRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/compare",
  component: function Compare() {
    const { entity, project } = compareRoute.useParams();
    return <ComparePage key={`${entity}/${project}`} entity={entity} project={project} />;
  },
});

const CorrectionsPage = lazyRouteComponent(
  () => import("@/features/corrections/CorrectionsPage"),
  "CorrectionsPage",
);

const correctionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/corrections",
  component: function Corrections() {
    const { entity, project } = correctionsRoute.useParams();
    const { metric = null } = correctionsRoute.useSearch();
    return (
      <CorrectionsPage
        key={`${entity}/${project} ${metric}`}
        entity={entity}
        project={project}
        metric={metric}
      />
    );
  },
});

const ArtifactsPage = lazyRouteComponent(() => import("@/features/artifacts/ArtifactsPage"), "ArtifactsPage");

const artifactsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/artifacts",
  component: function Artifacts() {
    const { entity, project } = artifactsRoute.useParams();
    return <ArtifactsPage key={`${entity}/${project}`} entity={entity} project={project} />;
  },
});

const ArtifactPage = lazyRouteComponent(() => import("@/features/artifacts/ArtifactPage"), "ArtifactPage");

const artifactRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/artifacts/$type/$name",
  beforeLoad: ({ params }) => {
    throw redirect({
      to: "/$entity/$project/artifacts/$type/$name/$version/$tab",
      params: { ...params, version: "latest", tab: "overview" },
      replace: true,
    });
  },
});

const versionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/artifacts/$type/$name/$version",
  beforeLoad: ({ params }) => {
    throw redirect({
      to: "/$entity/$project/artifacts/$type/$name/$version/$tab",
      params: { ...params, tab: "overview" },
      replace: true,
    });
  },
});

const versionTabRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/artifacts/$type/$name/$version/$tab",
  component: function Version() {
    const { entity, project, name, version, tab } = versionTabRoute.useParams();
    if (!isVersionTab(tab)) return <NotFoundPage />;
    return (
      <ArtifactPage
        key={`${entity}/${project}/${name}`}
        artifact={{ entity, project, name }}
        version={version}
        tab={tab}
      />
    );
  },
});

const ModelsPage = lazyRouteComponent(() => import("@/features/models/ModelsPage"), "ModelsPage");

const modelsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/models",
  component: function Models() {
    const { entity, project } = modelsRoute.useParams();
    return <ModelsPage key={`${entity}/${project}`} entity={entity} project={project} />;
  },
});

const ModelPage = lazyRouteComponent(() => import("@/features/models/ModelPage"), "ModelPage");

const modelRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/models/$model_id",
  component: function Model() {
    const { model_id } = modelRoute.useParams();
    return <ModelPage key={model_id} id={model_id} />;
  },
});

const ProjectStoragePage = lazyRouteComponent(
  () => import("@/features/storage/ProjectStoragePage"),
  "ProjectStoragePage",
);

const storageRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/storage",
  component: function Storage() {
    const { entity, project } = storageRoute.useParams();
    return <ProjectStoragePage key={`${entity}/${project}`} entity={entity} project={project} />;
  },
});

const AlertsPage = lazyRouteComponent(() => import("@/features/alerts/AlertsPage"), "AlertsPage");

const alertsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/alerts",
  component: function Alerts() {
    const { entity, project } = alertsRoute.useParams();
    const { tab = "raised", metric = null } = alertsRoute.useSearch();
    return (
      <AlertsPage
        key={`${entity}/${project} ${metric}`}
        entity={entity}
        project={project}
        tab={isAlertsTab(tab) ? tab : "raised"}
        metric={metric}
      />
    );
  },
});

const ReportsPage = lazyRouteComponent(() => import("@/features/reports/ReportsPage"), "ReportsPage");

const reportsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/reports",
  component: function Reports() {
    const { entity, project } = reportsRoute.useParams();
    return <ReportsPage key={`${entity}/${project}`} entity={entity} project={project} />;
  },
});

const ReportPage = lazyRouteComponent(() => import("@/features/reports/ReportPage"), "ReportPage");

const reportRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/reports/$report_id",
  component: function Report() {
    const { entity, project, report_id } = reportRoute.useParams();
    const { edit, present, version } = reportRoute.useSearch();
    return (
      <ReportPage
        key={report_id}
        entity={entity}
        project={project}
        id={report_id}
        editing={edit === "1"}
        presenting={present === "1"}
        version={version && /^[1-9]\d{0,8}$/.test(version) ? Number(version) : null}
      />
    );
  },
});

const GroupPage = lazyRouteComponent(() => import("@/features/processes/GroupPage"), "GroupPage");

const groupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/groups/$group",
  component: function Group() {
    const { entity, project, group } = groupRoute.useParams();
    return (
      <GroupPage key={`${entity}/${project}/${group}`} entity={entity} project={project} group={group} />
    );
  },
});

const runRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/runs/$run_id",
  beforeLoad: ({ params }) => {
    throw redirect({
      to: "/$entity/$project/runs/$run_id/$tab",
      params: { ...params, tab: "overview" },
      replace: true,
    });
  },
});

const runTabRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/$entity/$project/runs/$run_id/$tab",
  component: function Run() {
    const { entity, project, run_id, tab } = runTabRoute.useParams();
    if (!isRunTab(tab)) return <NotFoundPage />;
    return (
      <RunPage
        key={`${entity}/${project}/${run_id}`}
        entity={entity}
        project={project}
        runId={run_id}
        tab={tab}
      />
    );
  },
});

/** The permanent link of a run survives renames and moves; it shows where the run is now. */
const permanentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/r/$run_key",
  loader: async ({ params, context }) => {
    if (getAccess().kind === "share") {
      throw redirect({ to: "/r/$run_key/$tab", params: { ...params, tab: "overview" }, replace: true });
    }
    const { entity, project, run_id } = await context.queries.ensureQueryData(runQuery(params.run_key));
    throw redirect({
      to: "/$entity/$project/runs/$run_id/$tab",
      params: { entity, project, run_id, tab: "overview" },
      replace: true,
    });
  },
});

/** A run for those who have only a link to it: its project's pages are closed to them. */
const sharedRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/r/$run_key/$tab",
  // Who may see the project is shown the run in it.
  loader: async ({ params, context }) => {
    if (getAccess().kind === "share") return;
    const { entity, project, run_id } = await context.queries.ensureQueryData(runQuery(params.run_key));
    throw redirect({
      to: "/$entity/$project/runs/$run_id/$tab",
      params: { entity, project, run_id, tab: params.tab },
      replace: true,
    });
  },
  component: function SharedRun() {
    const { run_key, tab } = sharedRoute.useParams();
    return isRunTab(tab) ? <SharedRunPage key={run_key} runKey={run_key} tab={tab} /> : <NotFoundPage />;
  },
});

const SettingsPage = lazyRouteComponent(() => import("@/features/settings/SettingsPage"), "SettingsPage");

// "settings" is a word that no entity may have.
const settingsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/settings/$tab",
  component: function Settings() {
    const { tab } = settingsRoute.useParams();
    return isSettingsTab(tab) ? <SettingsPage tab={tab} /> : <NotFoundPage />;
  },
});

const routeTree = rootRoute.addChildren([
  projectsRoute,
  workspaceRoute,
  runsRoute,
  compareRoute,
  reportsRoute,
  reportRoute,
  groupRoute,
  correctionsRoute,
  alertsRoute,
  artifactsRoute,
  artifactRoute,
  versionRoute,
  versionTabRoute,
  modelsRoute,
  modelRoute,
  storageRoute,
  runRoute,
  runTabRoute,
  permanentRoute,
  sharedRoute,
  settingsRoute,
]);

export function createAppRouter(queries: QueryClient) {
  return createRouter({
    routeTree,
    context: { queries },
    basepath: basePath(),
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const text = new URLSearchParams(search as Record<string, string>).toString();
      return text ? `?${text}` : "";
    },
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
