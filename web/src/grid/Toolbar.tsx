import { ChevronDown, Layers, RotateCcw, Search, SlidersHorizontal } from "lucide-react";
import { Popover, ToggleGroup } from "radix-ui";
import type { KeyInfo } from "@/api/types";
import { axisLabel } from "@/charts/core/axes";
import type { Axis } from "@/charts/core/model";
import { formatX } from "@/charts/tooltip";
import { changeView, type PanelSize, useView, zoomTo } from "@/state/view";
import { formatCount } from "@/ui/humanize";
import { Picker } from "@/ui/Picker";
import { Slider } from "@/ui/Slider";
import { compareKeys } from "./sections";

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
      {charts && (
        <>
          <div className="toolbar-controls">
            <ChartControls keys={keys} />
          </div>
          <ZoomPill />
        </>
      )}
      <span className="grow" />
      <SizeToggle />
      <Popover.Root>
        <Popover.Trigger asChild>
          <button type="button" className="button settings-button" aria-label="Chart settings">
            <SlidersHorizontal size={15} />
          </button>
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content
            className="popover chart-settings"
            align="end"
            sideOffset={6}
            collisionPadding={8}
            aria-label="Chart settings"
          >
            {charts && <ChartControls keys={keys} />}
            <SizeToggle />
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
    </div>
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

const AXES: readonly { value: Axis; label: string }[] = [
  { value: "step", label: "Step" },
  { value: "relative", label: "Time since start" },
  { value: "wall", label: "Wall time" },
];

function ChartControls({ keys }: { keys: readonly KeyInfo[] }) {
  const axis = useView((view) => view.axis);
  const xLog = useView((view) => view.xLog);
  const yLog = useView((view) => view.yLog);
  const band = useView((view) => view.band);
  const smoothing = useView((view) => view.smoothing);
  const options = [
    ...AXES.map((option) => ({ ...option, note: "" })),
    ...keys
      .filter((info) => info.kind === "number")
      .map((info) => ({ value: `metric:${info.key}`, label: info.key, note: "metric" }))
      .sort((a, b) => compareKeys(a.label, b.label)),
  ];
  return (
    <>
      <Picker
        label="X axis"
        options={options}
        selected={[axis]}
        onPick={(value) => changeView({ axis: value as Axis })}
        trigger={
          <button type="button" className="button">
            <span className="label">X</span>
            <span className="button-text">
              {AXES.find((option) => option.value === axis)?.label ?? axisLabel(axis)}
            </span>
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
          onChange={(value) => changeView({ smoothing: value })}
        />
        <output>{smoothing.toFixed(2)}</output>
      </div>
      <button
        type="button"
        className="button toggle"
        aria-pressed={yLog}
        title="Logarithmic y axis in all charts of metrics"
        onClick={() => changeView({ yLog: !yLog })}
      >
        Log y
      </button>
      <button
        type="button"
        className="button toggle"
        aria-pressed={xLog}
        title="Logarithmic x axis"
        onClick={() => changeView({ xLog: !xLog })}
      >
        Log x
      </button>
      <button
        type="button"
        className="button toggle"
        aria-pressed={band}
        title="Show the lowest and highest value behind each drawn point"
        onClick={() => changeView({ band: !band })}
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
      onValueChange={(value) => value && changeView({ size: value as PanelSize })}
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
