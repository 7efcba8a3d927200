import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { projectQuery, queryKeys } from "@/api/queries";
import type { ViewList } from "@/api/views";
import { PanelGrid } from "@/grid/PanelGrid";
import { useLiveProject } from "@/grid/useLiveProject";
import { useStableKeys } from "@/grid/useStableKeys";
import { useViewAddress } from "@/grid/viewAddress";
import { CastContext, type RunSelection, SelectionContext } from "@/panels/cast";
import { usePageStatus } from "@/state/pageStatus";
import { isShown } from "@/state/selection";
import { useView } from "@/state/view";
import { ErrorNote } from "@/ui/ErrorNote";
import { useMediaQuery } from "@/ui/useMediaQuery";
import { useTitle } from "@/ui/useTitle";
import { FirstRun } from "./FirstRun";
import { Sidebar } from "./sidebar/Sidebar";
import { type Runs, useRuns } from "./useRuns";
import { useStage } from "./useStage";
import { useFirstView, useOpenAddress } from "./views/useViews";
import { ViewsMenu } from "./views/ViewsMenu";
import { useWorkspaceKeys } from "./workspaceKeys";

interface WorkspaceProps {
  entity: string;
  project: string;
}

/** All runs of a project: the list beside the charts. What opens is decided by the address and by saved views. */
export function WorkspacePage({ entity, project }: WorkspaceProps) {
  // Asked for together with the views: neither waits for the other.
  useQuery(projectQuery(entity, project));
  const { list, settled } = useFirstView(entity, project);
  return settled ? (
    <Workspace entity={entity} project={project} views={list} />
  ) : (
    <main id="main" className="workspace" />
  );
}

function Workspace({ entity, project, views }: WorkspaceProps & { views: ViewList }) {
  useViewAddress(useOpenAddress(views), `${entity}/${project}`);
  useTitle(project);
  const detail = useQuery(projectQuery(entity, project));
  const runs = useRuns(entity, project);
  const { cast, groups } = useStage(runs);
  const selection = useRunSelection(entity, project, runs);
  const keys = useStableKeys(detail.data?.keys);
  const configKeys = useMemo(() => detail.data?.config_keys.map(({ key }) => key) ?? [], [detail.data]);
  useLiveProject(entity, project, runs.seq);

  const phone = useMediaQuery("(max-width: 760px)");
  const [sidebar, setSidebar] = useState(true);
  const [sheet, setSheet] = useState(false);
  const hideRuns = () => (phone ? setSheet(false) : setSidebar(false));
  const showRuns = () => (phone ? setSheet(true) : setSidebar(true));
  useWorkspaceKeys({
    rows: runs.rows,
    toggleSidebar: () => (phone ? setSheet(!sheet) : setSidebar(!sidebar)),
  });

  const running = detail.data?.running ?? 0;
  useEffect(() => usePageStatus.setState({ running }), [running]);

  if (detail.error) return <ErrorNote error={detail.error} />;
  const visible = phone ? sheet : sidebar;
  return (
    <CastContext value={cast}>
      <SelectionContext value={selection}>
        <div className="workspace">
          {visible && (
            <Sidebar runs={runs} groups={groups} detail={detail.data} sheet={phone} onHide={hideRuns} />
          )}
          {phone && sheet && (
            <button type="button" className="scrim" aria-label="Close runs" onClick={() => setSheet(false)} />
          )}
          <main id="main">
            <h1 className="visually-hidden">{project} workspace</h1>
            <PanelGrid
              keys={keys}
              configKeys={configKeys}
              shownRuns={cast.members.length}
              onRuns={showRuns}
              sidebarHidden={!visible}
              loading={detail.isPending}
              empty={<FirstRun entity={entity} project={project} />}
              views={<ViewsMenu entity={entity} project={project} list={views} />}
            />
          </main>
        </div>
      </SelectionContext>
    </CastContext>
  );
}

/** The runs that the list is about, as questions to the server name them. */
function useRunSelection(entity: string, project: string, { asked }: Runs): RunSelection {
  const eyes = useView((view) => view.selection);
  const { filter, search, regex } = asked;
  return useMemo(
    (): RunSelection => ({
      query: {
        entity,
        project,
        ...(filter ? { filter } : {}),
        ...(search ? { search, regex } : {}),
      },
      shows: (number) => isShown(eyes, number),
      key: queryKeys.runs(entity, project),
    }),
    [entity, project, filter, search, regex, eyes],
  );
}
