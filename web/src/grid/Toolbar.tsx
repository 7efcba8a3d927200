import { ChevronDown, Layers, Plus, Redo2, RotateCcw, Search, SlidersHorizontal, Undo2 } from "lucide-react";
import { Popover, ToggleGroup } from "radix-ui";
import { lazy, type ReactNode, Suspense } from "react";
import type { KeyInfo } from "@/api/types";
import { axisLabel } from "@/charts/core/axes";
import type { Axis } from "@/charts/core/model";
import { formatX } from "@/charts/tooltip";
import { axisName, useAxisOptions } from "@/panels/settings/AxisField";
import {
  changeView,
  edit,
  editSettings,
  type PanelSize,
  redo,
  undo,
  useSetting,
  useView,
  useViewStore,
  zoomTo,
} from "@/state/view";
import { formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { Picker } from "@/ui/Picker";
import { Slider } from "@/ui/Slider";
import { ANY_SECTION, useGridUi } from "./arrangementContext";

const WorkspaceSettings = lazy(() =>
  import("./SectionSettings").then((module) => ({ default: module.WorkspaceSettings })),
);

interface ToolbarProps {
  keys: readonly KeyInfo[];
  /** Whether axes, smoothing and scales mean anything here. */
  charts: boolean;
  /** Panels that match the search. */
  matching: number;
  searchBroken: boolean;
  shownRuns: number | null;
  /** Opens the list of runs; absent where there is none. */
  onRuns?: (() => void) | undefined;
  sidebarHidden: boolean;
  views: ReactNode;
}

/** What all panels share: search, x axis, smoothing, scales, zoom, size. */
export function Toolbar({
  keys,
  charts,
  matching,
  searchBroken,
  shownRuns,
  onRuns,
  sidebarHidden,
  views,
}: ToolbarProps) {
  return (
    <div className="toolbar" role="toolbar" aria-label="Charts">
      {onRuns && (
        <button
          type="button"
          className={`button runs-button ${sidebarHidden ? "always" : ""}`}
          onClick={onRuns}
        >
          <Layers size={14} />
          Runs <b>{shownRuns === null ? "" : formatCount(shownRuns)}</b>
        </button>
      )}
      <PanelSearch matching={matching} broken={searchBroken} />
      {views}
      {charts && (
        <>
          <div className="toolbar-controls">
            <ChartControls keys={keys} />
          </div>
          <ZoomPill />
        </>
      )}
      <span className="grow" />
      <UndoButtons />
      <SizeToggle />
      <Popover.Root>
        <Popover.Trigger asChild>
          <button type="button" className="icon-button settings-button" aria-label="Chart settings">
            <SlidersHorizontal size={15} />
          </button>
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content
            className="popover panel-settings"
            align="end"
            sideOffset={6}
            collisionPadding={8}
            aria-label="Chart settings"
          >
            <div className="narrow-only">
              <SizeToggle />
            </div>
            {charts && (
              <Suspense fallback={<p className="list-empty">Loading…</p>}>
                <WorkspaceSettings />
              </Suspense>
            )}
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
      <button
        type="button"
        className="button primary add-button"
        aria-label="Add panel"
        onClick={() => useGridUi.setState({ addingTo: ANY_SECTION })}
      >
        <Plus size={15} />
        <span>Add panel</span>
      </button>
    </div>
  );
}

/** Takes edits of layout and settings back. */
function UndoButtons() {
  const past = useViewStore((store) => store.past.length);
  const future = useViewStore((store) => store.future.length);
  if (past === 0 && future === 0) return null;
  return (
    <span className="undo-buttons">
      <IconButton label="Undo" hint="Ctrl Z" disabled={past === 0} onClick={undo}>
        <Undo2 size={15} />
      </IconButton>
      <IconButton label="Redo" hint="Ctrl Shift Z" disabled={future === 0} onClick={redo}>
        <Redo2 size={15} />
      </IconButton>
    </span>
  );
}

function PanelSearch({ matching, broken }: { matching: number; broken: boolean }) {
  const text = useView((view) => view.panelSearch);
  const regex = useView((view) => view.panelRegex);
  return (
    <div className={`field panel-search ${broken ? "bad" : ""}`}>
      <Search size={14} aria-hidden="true" />
      <input
        id="panel-search"
        placeholder="Search panels"
        aria-label="Search panels"
        aria-invalid={broken}
        value={text}
        spellCheck={false}
        onChange={(event) => changeView({ panelSearch: event.target.value })}
      />
      {text ? <span className="field-count">{formatCount(matching)}</span> : <kbd>/</kbd>}
      <button
        type="button"
        className="regex"
        aria-pressed={regex}
        aria-label="Regular expression"
        title="Regular expression"
        onClick={() => changeView({ panelRegex: !regex })}
      >
        .*
      </button>
    </div>
  );
}

function ChartControls({ keys }: { keys: readonly KeyInfo[] }) {
  const axis = useSetting("axis");
  const yLog = useSetting("yLog");
  const band = useSetting("band");
  const smoothing = useSetting("smoothing");
  const options = useAxisOptions(keys);
  return (
    <>
      <Picker
        label="X axis"
        options={options}
        selected={[axis]}
        onPick={(value) => editSettings({ axis: value as Axis })}
        trigger={
          <button type="button" className="button">
            <span className="label">X</span>
            <span className="button-text">{axisName(axis)}</span>
            <ChevronDown size={13} />
          </button>
        }
      />
      <div className="smoothing">
        <span className="label">Smoothing</span>
        <Slider
          label="Smoothing"
          value={smoothing}
          max={0.99}
          step={0.01}
          onChange={(value) => editSettings({ smoothing: value })}
        />
        <output>{smoothing.toFixed(2)}</output>
      </div>
      <button
        type="button"
        className="button toggle"
        aria-pressed={yLog}
        title="Logarithmic y axis in all charts of metrics"
        onClick={() => editSettings({ yLog: !yLog })}
      >
        Log y
      </button>
      <button
        type="button"
        className="button toggle"
        aria-pressed={band}
        title="Show the lowest and highest value behind each drawn point"
        onClick={() => editSettings({ band: !band })}
      >
        Min–max
      </button>
    </>
  );
}

function ZoomPill() {
  const zoom = useView((view) => view.zoom);
  const entries = Object.entries(zoom) as [Axis, readonly [number, number]][];
  return entries.map(([axis, [low, high]]) => (
    <button
      type="button"
      key={axis}
      className="button zoom-pill"
      aria-label={`Reset zoom of ${axisLabel(axis)}`}
      title="Reset zoom (double click in a chart); Backspace goes one step back"
      onClick={() => zoomTo(axis, null)}
    >
      <RotateCcw size={13} />
      <span>
        {formatX(axis, low)}–{formatX(axis, high)}
      </span>
    </button>
  ));
}

const SIZES: readonly { value: PanelSize; label: string }[] = [
  { value: "s", label: "Small" },
  { value: "m", label: "Medium" },
  { value: "l", label: "Large" },
];

function SizeToggle() {
  const size = useView((view) => view.size);
  return (
    <ToggleGroup.Root
      className="segmented"
      type="single"
      value={size}
      onValueChange={(value) => value && edit({ size: value as PanelSize }, "size")}
      aria-label="Panel size"
    >
      {SIZES.map(({ value, label }) => (
        <ToggleGroup.Item key={value} value={value} aria-label={label} title={`${label} panels`}>
          {value.toUpperCase()}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
