import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { projectQuery } from "@/api/queries";
import { PanelGrid } from "@/grid/PanelGrid";
import { useLiveProject } from "@/grid/useLiveProject";
import { useStableKeys } from "@/grid/useStableKeys";
import { useViewAddress } from "@/grid/viewAddress";
import { CastContext } from "@/panels/cast";
import { usePageStatus } from "@/state/pageStatus";
import { ErrorNote } from "@/ui/ErrorNote";
import { useMediaQuery } from "@/ui/useMediaQuery";
import { useTitle } from "@/ui/useTitle";
import { FirstRun } from "./FirstRun";
import { Sidebar } from "./sidebar/Sidebar";
import { useRuns } from "./useRuns";
import { useStage } from "./useStage";
import { useWorkspaceKeys } from "./workspaceKeys";

/** All runs of a project: the list beside the charts. */
export function WorkspacePage({ entity, project }: { entity: string; project: string }) {
  useViewAddress();
  useTitle(project);
  const detail = useQuery(projectQuery(entity, project));
  const runs = useRuns(entity, project);
  const { cast, groups } = useStage(runs);
  const keys = useStableKeys(detail.data?.keys);
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
            shownRuns={cast.members.length}
            onRuns={showRuns}
            sidebarHidden={!visible}
            loading={detail.isPending}
            empty={<FirstRun entity={entity} project={project} />}
          />
        </main>
      </div>
    </CastContext>
  );
}
