import { memo, type ReactNode, Suspense, useCallback, useMemo, useState } from "react";
import { usePanelComments } from "@/comments/usePanelComments";
import { settle } from "@/panels/cascade";
import { useKeys, useSelection } from "@/panels/cast";
import { type PanelPlace, PlaceContext } from "@/panels/frame";
import { metricsOf } from "@/panels/metrics";
import { PanelFrame } from "@/panels/PanelFrame";
import { type Change, type PanelType, panelType } from "@/panels/registry";
import { type Entry, panelOf } from "@/state/arrangement";
import {
  duplicatePanel,
  freshId,
  isAutomatic,
  type Json,
  movePanel,
  type Panel,
  removePanel,
  replacePanel,
  type Section,
  type Settings,
  withSettings,
} from "@/state/layout";
import { changeView, editLayout, useView } from "@/state/view";
import { panelsOf, sectionById, sectionOf, useArrangement, useGridUi } from "./arrangementContext";
import { PanelSettings } from "./PanelSettings";

interface PanelHostProps {
  entry: Entry;
  section: Section;
  fullScreen: boolean;
  handle?: ReactNode;
  corner?: ReactNode;
}

/** More sections than this are found by dragging, not in a menu. */
const LISTED_SECTIONS = 40;

/** Gives a panel its settings and its place, whatever its type. */
export const PanelHost = memo(function PanelHost(props: PanelHostProps) {
  const { entry } = props;
  const panel = useMemo(() => panelOf(entry), [entry]);
  const type = panelType(panel.type);
  return type ? (
    <TypedPanel {...props} panel={panel} type={type} />
  ) : (
    <UnknownPanel {...props} panel={panel} />
  );
});

/** A panel out of a view that was saved by a later version, or by code. */
function UnknownPanel(props: PanelHostProps & { panel: Panel }) {
  const { panel } = props;
  const place = usePanelPlace({ ...props, type: null, name: panel.title ?? panel.id, settings: null });
  return (
    <PlaceContext value={place}>
      <PanelFrame>
        <p className="panel-empty">This server knows no panels of type “{panel.type}”.</p>
      </PanelFrame>
    </PlaceContext>
  );
}

interface TypedPanelProps extends PanelHostProps {
  panel: Panel;
  type: PanelType;
}

function TypedPanel(props: TypedPanelProps) {
  const { entry, section, panel, type, fullScreen } = props;
  const workspace = useView((view) => view.settings);
  const settled = useMemo(
    () => settle(type, workspace, section.settings, panel.settings),
    [type, workspace, section.settings, panel.settings],
  );
  const onChange = useCallback(
    (change: Change<Settings>) =>
      editLayout(
        (layout) =>
          replacePanel(layout, {
            ...panel,
            settings: withSettings(panel.settings, change as { [name: string]: Json | undefined }),
          }),
        `panel ${panel.id} ${Object.keys(change).join()}`,
      ),
    [panel],
  );
  const vanished = isAutomatic(panel.id) && entry.info === null;
  const name = panel.title ?? (vanished ? panel.id : type.name(settled.settings, entry.info));
  const place = usePanelPlace({
    ...props,
    name,
    settings: vanished ? null : (
      <PanelSettings
        panel={panel}
        info={entry.info}
        type={type}
        section={section}
        settled={settled}
        onChange={onChange}
      />
    ),
  });
  const { View } = type;
  const { entity, project } = useSelection().query;
  const { item, dialog } = usePanelComments(entity, project, panel.id, name);
  return (
    <PlaceContext value={{ ...place, items: item }}>
      {dialog}
      {vanished ? (
        <PanelFrame>
          <p className="panel-empty">No run of this project has “{panel.id}”.</p>
        </PanelFrame>
      ) : (
        <Suspense fallback={<article className="panel panel-coming" data-panel={panel.id} />}>
          <View
            panel={panel}
            info={entry.info}
            settings={settled.settings}
            onChange={onChange}
            fullScreen={fullScreen}
          />
        </Suspense>
      )}
    </PlaceContext>
  );
}

interface PlaceRequest extends PanelHostProps {
  panel: Panel;
  type: PanelType | null;
  name: string;
  settings: ReactNode;
}

function usePanelPlace({
  entry,
  section,
  panel,
  type,
  name,
  settings,
  fullScreen,
  handle = null,
  corner = null,
}: PlaceRequest): PanelPlace {
  const arrangement = useArrangement();
  // The one in full screen and the one in the grid are the same panel; each has its own popover.
  const [settingsHere, setSettingsHere] = useState(false);
  const settingsInGrid = useGridUi((ui) => ui.settingsOf === panel.id);
  const { id } = panel;

  const copy = (): Panel => {
    const named = entry.info && type?.recipe ? type.recipe.settings([entry.info.key]) : {};
    return { ...panel, id: freshId(), settings: { ...(named as Settings), ...panel.settings } };
  };
  const actions = {
    onDuplicate: () => {
      const home = sectionById(arrangement(), section.id);
      if (home) editLayout((layout) => duplicatePanel(layout, copy(), id, home.section, panelsOf(home)));
    },
    onRemove: () => {
      if (fullScreen) changeView({ panel: null });
      editLayout((layout) => removePanel(layout, id));
    },
    onMove: (sectionId: string) => {
      const target = sectionById(arrangement(), sectionId);
      if (!target) return;
      const standing = panelsOf(target);
      editLayout((layout) =>
        movePanel(layout, panel, { ...target.section, open: true }, standing, standing[0]?.id ?? null),
      );
    },
  };
  const keys = useKeys();
  const metrics = useMemo(() => metricsOf(panel, entry.info, keys), [panel, entry.info, keys]);
  return {
    id,
    name,
    fullScreen,
    metrics,
    settings,
    settingsOpen: fullScreen ? settingsHere : settingsInGrid,
    onSettings: fullScreen ? setSettingsHere : (open) => useGridUi.setState({ settingsOf: open ? id : null }),
    onOpen: () => changeView({ panel: id }),
    onClose: () => changeView({ panel: null }),
    ...actions,
    get sections() {
      return arrangement()
        .sections.filter((other) => other.section.id !== sectionOf(arrangement(), id)?.section.id)
        .slice(0, LISTED_SECTIONS)
        .map(({ section: { id: sectionId, name: sectionName } }) => ({ id: sectionId, name: sectionName }));
    },
    link: () => {
      const url = new URL(location.href);
      url.searchParams.set("panel", id);
      return url.href;
    },
    handle,
    corner,
  };
}
