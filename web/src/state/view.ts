import { create } from "zustand";
import type { Axis } from "@/charts/core/model";
import { ALL_SHOWN, type Selection } from "./selection";

export type Aggregate = "last" | "min" | "max" | "mean" | "first";
export const AGGREGATES: readonly Aggregate[] = ["last", "min", "max", "mean", "first"];

/** How the run list is ordered: `name`, `created_at`, `runtime`, `state`, `config.<key>` or `metric:<key>`. */
export interface Sort {
  by: string;
  agg: Aggregate;
  desc: boolean;
}

export type PanelSize = "s" | "m" | "l";

/** What one panel does differently from the workspace; absent = inherited. */
export interface PanelSettings {
  xLog?: boolean;
  yLog?: boolean;
  /** Show every point instead of leaving diverged lines out of the range. */
  fit?: boolean;
  smoothing?: number;
}

export type Range = readonly [number, number];

/** Everything that changes the picture, and therefore everything a link carries. */
export interface View {
  panelSearch: string;
  panelRegex: boolean;
  runSearch: string;
  runRegex: boolean;
  filter: string;
  sort: Sort;
  group: readonly string[];
  /** Draw single runs although they are grouped. */
  individual: boolean;
  axis: Axis;
  xLog: boolean;
  yLog: boolean;
  smoothing: number;
  band: boolean;
  /** Zoomed x range of each axis kind; charts of one axis zoom together. */
  zoom: Readonly<Partial<Record<Axis, Range>>>;
  size: PanelSize;
  /** Key of the panel in full screen. */
  panel: string | null;
  selection: Selection;
  pinned: readonly number[];
  collapsed: readonly string[];
  overrides: Readonly<Record<string, PanelSettings>>;
  /** Media of all keys are at one step. */
  stepLinked: boolean;
  /** That step; null = the last one, also when later ones come. */
  step: number | null;
  /** Steps of single keys, where they are not linked. */
  steps: Readonly<Record<string, number>>;
}

export const DEFAULT_SORT: Sort = { by: "created_at", agg: "last", desc: true };

export const DEFAULT_VIEW: View = {
  panelSearch: "",
  panelRegex: true,
  runSearch: "",
  runRegex: false,
  filter: "",
  sort: DEFAULT_SORT,
  group: [],
  individual: false,
  axis: "step",
  xLog: false,
  yLog: false,
  smoothing: 0,
  band: true,
  zoom: {},
  size: "m",
  panel: null,
  selection: ALL_SHOWN,
  pinned: [],
  collapsed: [],
  overrides: {},
  stepLinked: true,
  step: null,
  steps: {},
};

interface ViewStore {
  view: View;
  /** Zooms to come back to with Backspace, latest last. */
  zoomHistory: View["zoom"][];
}

const ZOOM_HISTORY_LIMIT = 50;

/**
 * The view of the open page. The store is the truth while the page is open and the address is its
 * mirror (see grid/viewAddress.ts): a slider moves faster than browsers let an address change.
 */
export const useViewStore = create<ViewStore>(() => ({ view: DEFAULT_VIEW, zoomHistory: [] }));

/** One value of the view; the component renders again only when that value changes. */
export function useView<Value>(select: (view: View) => Value): Value {
  return useViewStore((store) => select(store.view));
}

export function getView(): View {
  return useViewStore.getState().view;
}

export function changeView(change: Partial<View>): void {
  useViewStore.setState((store) => ({ view: { ...store.view, ...change } }));
}

/** Replaces the whole view, as when a link is opened. */
export function openView(view: View): void {
  useViewStore.setState({ view, zoomHistory: [] });
}

/** Zooms all charts of *axis*; null shows everything. */
export function zoomTo(axis: Axis, range: Range | null, remember = true): void {
  useViewStore.setState((store) => {
    const zoom = { ...store.view.zoom };
    if (range) zoom[axis] = range;
    else delete zoom[axis];
    const zoomHistory = remember
      ? [...store.zoomHistory.slice(1 - ZOOM_HISTORY_LIMIT), store.view.zoom]
      : store.zoomHistory;
    return { view: { ...store.view, zoom }, zoomHistory };
  });
}

/** Goes back to the zoom before. */
export function zoomBack(): void {
  useViewStore.setState((store) => {
    const zoom = store.zoomHistory.at(-1);
    if (!zoom) return { view: { ...store.view, zoom: {} } };
    return { view: { ...store.view, zoom }, zoomHistory: store.zoomHistory.slice(0, -1) };
  });
}

/** Changes what one panel overrides; undefined values return to the workspace's. */
export function changePanel(
  key: string,
  change: { [Name in keyof PanelSettings]: PanelSettings[Name] | undefined },
): void {
  const { overrides } = getView();
  const merged = Object.entries({ ...overrides[key], ...change }).filter(([, value]) => value !== undefined);
  const next = { ...overrides };
  if (merged.length > 0) next[key] = Object.fromEntries(merged) as PanelSettings;
  else delete next[key];
  changeView({ overrides: next });
}

/** The step that the media of a key are at; null = the last one. */
export function stepOf(view: View, key: string): number | null {
  return view.stepLinked ? view.step : (view.steps[key] ?? null);
}

/** Moves the media of a key to a step, and with it those of all keys if they are linked. */
export function moveStep(key: string, step: number | null): void {
  const { stepLinked, steps } = getView();
  if (stepLinked) {
    changeView({ step });
    return;
  }
  const { [key]: _, ...others } = steps;
  changeView({ steps: step === null ? others : { ...others, [key]: step } });
}

/** Links the steps of all keys to the one of *key*, or lets each have its own from where it is. */
export function linkSteps(key: string, linked: boolean): void {
  const view = getView();
  const step = stepOf(view, key);
  changeView(
    linked
      ? { stepLinked: true, step, steps: {} }
      : { stepLinked: false, steps: step === null ? {} : { [key]: step } },
  );
}
