import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ExternalLink, MessageSquare } from "lucide-react";
import { type ReactNode, Suspense, useCallback, useMemo, useState } from "react";
import { standsAlone } from "@/api/held";
import { projectQuery } from "@/api/queries";
import type { FormulaValue, ShownRuns } from "@/api/reports";
import { getAccess } from "@/api/session";
import type { KeyInfo } from "@/api/types";
import type { Axis } from "@/charts/core/model";
import { useStableKeys } from "@/grid/useStableKeys";
import { SERVER_TABLES, TablesContext } from "@/media/table/useTablePages";
import { KeeperContext } from "@/media/useBlob";
import { settle } from "@/panels/cascade";
import { CastContext, ConfigKeysContext, KeysContext, SelectionContext } from "@/panels/cast";
import { type PanelPlace, PlaceContext } from "@/panels/frame";
import { MediaKeysContext } from "@/panels/media/mediaKeys";
import { metricsOf } from "@/panels/metrics";
import { PanelFrame } from "@/panels/PanelFrame";
import { type Change, type PanelType, panelType } from "@/panels/registry";
import { LIVE, type PanelSource, SourceContext } from "@/panels/source";
import { ZoomContext } from "@/panels/zoom";
import { type Json, type Panel, type Settings, withSettings } from "@/state/layout";
import { Dialog } from "@/ui/Dialog";
import { formatCount } from "@/ui/humanize";
import { MenuItem } from "@/ui/Menu";
import type { Fields } from "./blocks";
import type { FigureSpec } from "./figure";
import { PanelSettings } from "./PanelSettings";
import { panelName } from "./panelName";
import { ReportText } from "./ReportText";
import { castOf, selectionOf, workspaceSearch } from "./stage";

/** What a frozen figure has in place of what a server would say. */
export interface FrozenFigure {
  sources: readonly PanelSource[];
  keys: readonly KeyInfo[];
  configKeys: readonly string[];
  /** What hands out the bytes of its media. */
  keeper: string | null;
}

interface ReportFigureProps {
  spec: FigureSpec;
  /** Its run set; null while it is not known yet. */
  shown: ShownRuns | null;
  /** What the report says of that set, for a link to the workspace. */
  set: Fields | null;
  /** Which figure it is, from 1. */
  number: number;
  problem: string;
  values: Readonly<Record<string, FormulaValue>>;
  frozen: FrozenFigure | null;
  /** The report keeps data, and none of this figure. */
  unfrozen?: boolean;
  place: { entity: string; project: string };
  /** Changes a panel; absent where the report is only read. */
  onPanel?: ((place: number, panel: Panel) => void) | undefined;
  onComment?: (() => void) | undefined;
  /** Open threads on it. */
  comments?: number;
}

const NO_NAMES: readonly string[] = [];

/** Panels of a report, with the data of the server or what the report keeps of an earlier moment. */
export function ReportFigure(props: ReportFigureProps) {
  const { spec, shown, problem, frozen, number, values, place, onComment, comments = 0 } = props;
  const { caption } = spec;
  return (
    <figure className={`report-figure height-${spec.height}`} aria-label={`Figure ${number}`}>
      {problem || shown?.problem ? (
        <div className="figure-problem" role="note">
          <b>This figure cannot be shown.</b>
          <span>{problem || shown?.problem}</span>
        </div>
      ) : shown ? (
        <FigureStage {...props} shown={shown} />
      ) : (
        <div className="figure-coming" />
      )}
      <figcaption>
        <span className="figure-number">Figure {number}</span>
        {caption && <ReportText text={caption} place={place} values={values} waiting={shown === null} />}
        <span className="figure-facts">
          {shown && !shown.problem && <span>{runsText(shown)}</span>}
          {frozen && <span className="badge">frozen</span>}
          {props.unfrozen && (
            <span className="badge warn" title="It was added or changed after the report was frozen.">
              not frozen
            </span>
          )}
          {onComment && comments > 0 && (
            <button type="button" className="link-button" onClick={onComment}>
              <MessageSquare size={12} /> {formatCount(comments)}
            </button>
          )}
        </span>
      </figcaption>
    </figure>
  );
}

function runsText({ members, groups, match }: ShownRuns): string {
  const runs = `${formatCount(members.length)} ${members.length === 1 ? "run" : "runs"}`;
  const of = match > members.length ? ` of ${formatCount(match)}` : "";
  return groups ? `${runs}${of} in ${formatCount(groups.length)} groups` : `${runs}${of}`;
}

function FigureStage(props: ReportFigureProps & { shown: ShownRuns }) {
  const { spec, shown, frozen } = props;
  const { entity, project } = shown;
  const detail = useQuery({ ...projectQuery(entity, project), enabled: frozen === null });
  const live = useStableKeys(detail.data?.keys);
  const keys = frozen?.keys ?? live;
  const configKeys = useMemo(
    () => frozen?.configKeys ?? detail.data?.config_keys.map(({ key }) => key) ?? NO_NAMES,
    [frozen, detail.data],
  );
  const cast = useMemo(() => castOf(shown), [shown]);
  const [ranges, setRanges] = useState<Partial<Record<Axis, readonly [number, number]>>>({});
  const zoom = useMemo(
    () => ({
      ranges,
      zoomTo: (axis: Axis, range: readonly [number, number] | null) =>
        setRanges(({ [axis]: _, ...others }) => (range ? { ...others, [axis]: range } : others)),
      back: () => setRanges({}),
    }),
    [ranges],
  );
  const columns = spec.columns ?? Math.min(3, spec.panels.length);
  return (
    <CastContext value={cast}>
      <KeysContext value={keys}>
        <ConfigKeysContext value={configKeys}>
          <MediaKeysContext value={NO_NAMES}>
            <ZoomContext value={zoom}>
              <div className={`figure-panels columns-${columns}`}>
                {spec.panels.map((panel, place) => (
                  <FigureSource key={panel.id} {...props} panel={panel} place={place} keys={keys} />
                ))}
              </div>
            </ZoomContext>
          </MediaKeysContext>
        </ConfigKeysContext>
      </KeysContext>
    </CastContext>
  );
}

interface FigurePanelProps extends Omit<ReportFigureProps, "place" | "shown"> {
  shown: ShownRuns;
  panel: Panel;
  place: number;
  keys: readonly KeyInfo[];
}

/** Says where the data of one panel comes from. */
function FigureSource(props: FigurePanelProps) {
  const { shown, frozen, place } = props;
  const source = frozen?.sources[place] ?? LIVE;
  const selection = useMemo(
    () => selectionOf(shown, source.frozen ? ["frozen", source.id] : null),
    [shown, source],
  );
  const tables = useMemo(() => ({ id: source.id, read: source.table }), [source]);
  return (
    <SourceContext value={source}>
      <SelectionContext value={selection}>
        <KeeperContext value={frozen?.keeper ?? null}>
          <TablesContext value={source === LIVE ? SERVER_TABLES : tables}>
            <FigurePanel {...props} />
          </TablesContext>
        </KeeperContext>
      </SelectionContext>
    </SourceContext>
  );
}

function FigurePanel(props: FigurePanelProps) {
  const { panel, onPanel, place, keys } = props;
  const type = panelType(panel.type);
  const onChange = useCallback(
    (change: Change<Settings>) =>
      onPanel?.(place, {
        ...panel,
        settings: withSettings(panel.settings, change as { [name: string]: Json | undefined }),
      }),
    [onPanel, panel, place],
  );
  const [open, setOpen] = useState(false);
  const metrics = useMemo(() => metricsOf(panel, null, keys), [panel, keys]);
  const name = panelName(panel);
  const common = usePlaceOf(props, name, metrics);
  if (!type) {
    return (
      <PlaceContext value={common}>
        <div className="cell">
          <PanelFrame>
            <p className="panel-empty">This server knows no panels of type “{panel.type}”.</p>
          </PanelFrame>
        </div>
      </PlaceContext>
    );
  }
  const settings = onPanel ? (
    <PanelSettings
      panel={panel}
      type={type}
      onTitle={(title) => {
        const { title: _, ...rest } = panel;
        onPanel(place, title ? { ...rest, title } : rest);
      }}
      onChange={onChange}
    />
  ) : null;
  return (
    <>
      <PlacedPanel
        type={type}
        panel={panel}
        onChange={onChange}
        fullScreen={false}
        common={{ ...common, settings, onOpen: () => setOpen(true) }}
      />
      <Dialog title={name} open={open} onClose={() => setOpen(false)} size="full" hideTitle>
        {open && (
          <PlacedPanel
            type={type}
            panel={panel}
            onChange={onChange}
            fullScreen
            common={{ ...common, settings, fullScreen: true, onClose: () => setOpen(false) }}
          />
        )}
      </Dialog>
    </>
  );
}

interface PlacedPanelProps {
  type: PanelType;
  panel: Panel;
  onChange(change: Change<Settings>): void;
  fullScreen: boolean;
  common: PanelPlace;
}

function PlacedPanel({ type, panel, onChange, fullScreen, common }: PlacedPanelProps) {
  const [settingsOpen, onSettings] = useState(false);
  const settled = useMemo(() => settle(type, {}, {}, panel.settings), [type, panel.settings]);
  const { View } = type;
  const body = (
    <Suspense fallback={<article className="panel panel-coming" />}>
      <View
        panel={panel}
        info={null}
        settings={settled.settings}
        onChange={onChange}
        fullScreen={fullScreen}
      />
    </Suspense>
  );
  return (
    <PlaceContext value={{ ...common, settingsOpen, onSettings }}>
      {fullScreen ? body : <div className="cell">{body}</div>}
    </PlaceContext>
  );
}

/** What stands around a panel of a report: no moving and removing, but a way to its runs. */
function usePlaceOf(
  { shown, set, panel, onComment }: FigurePanelProps,
  name: string,
  metrics: readonly KeyInfo[],
): PanelPlace {
  const navigate = useNavigate();
  const nothing = () => undefined;
  const openRuns = () =>
    void navigate({
      to: "/$entity/$project",
      params: { entity: shown.entity, project: shown.project },
      search: workspaceSearch(shown, set),
    });
  const items: ReactNode = standsAlone() ? null : (
    <>
      <MenuItem icon={<ExternalLink size={14} />} onSelect={openRuns}>
        Open these runs
      </MenuItem>
      {onComment && getAccess().kind !== "share" && (
        <MenuItem icon={<MessageSquare size={14} />} onSelect={onComment}>
          Comment…
        </MenuItem>
      )}
    </>
  );
  return {
    id: panel.id,
    name,
    fullScreen: false,
    metrics,
    settings: null,
    settingsOpen: false,
    onSettings: nothing,
    onOpen: nothing,
    onClose: nothing,
    onDuplicate: null,
    onRemove: null,
    sections: [],
    onMove: nothing,
    link: () => location.href,
    items,
    handle: null,
    corner: null,
    plain: true,
  };
}
