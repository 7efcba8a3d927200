import { create } from "zustand";
import type { Axis } from "@/charts/core/model";
import { AUTOMATIC, type Layout, type PanelSize, type Settings } from "./layout";
import { ALL_SHOWN, type Selection } from "./selection";
import { type ChartSettings, DEFAULT_CHART } from "./settings";

export type { PanelSize } from "./layout";

export type Aggregate = "last" | "min" | "max" | "mean" | "first";
export const AGGREGATES: readonly Aggregate[] = ["last", "min", "max", "mean", "first"];

/** How the run list is ordered: `name`, `created_at`, `runtime`, `state`, `config.<key>` or `metric:<key>`. */
export interface Sort {
  by: string;
  agg: Aggregate;
  desc: boolean;
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
  /** What the workspace says for all charts; absent = the default. */
  settings: Partial<ChartSettings>;
  /** Zoomed x range of each axis kind; charts of one axis zoom together. */
  zoom: Readonly<Partial<Record<Axis, Range>>>;
  size: PanelSize;
  layout: Layout;
  /** Id of the panel in full screen. */
  panel: string | null;
  selection: Selection;
  pinned: readonly number[];
  /** Number of the run that others are compared with. */
  baseline: number | null;
  /** Groups of the run list that are folded. */
  collapsed: readonly string[];
  /** Media of all keys are at one step. */
  stepLinked: boolean;
  /** That step; null = the last one, also when later ones come. */
  step: number | null;
  /** Steps of single keys, where they are not linked. */
  steps: Readonly<Record<string, number>>;
  /** What the table of runs says of its columns. */
  table: Settings;
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
  settings: {},
  zoom: {},
  size: "m",
  layout: AUTOMATIC,
  panel: null,
  selection: ALL_SHOWN,
  pinned: [],
  baseline: null,
  collapsed: [],
  stepLinked: true,
  step: null,
  steps: {},
  table: {},
};

/** What undo brings back: the layout and the settings, and nothing of what one looks at. */
type Arranged = Pick<View, "settings" | "size" | "layout">;

interface ViewStore {
  view: View;
  /** Zooms to come back to with Backspace, latest last. */
  zoomHistory: View["zoom"][];
  past: readonly Arranged[];
  future: readonly Arranged[];
  /** What the last edit was and when, so that a drag of a slider is one step of undo. */
  lastEdit: { name: string; at: number } | null;
}

const ZOOM_HISTORY_LIMIT = 50;
const UNDO_LIMIT = 200;
/** Edits of one thing within this time are one. */
const MERGE_MS = 1_000;

/**
 * The view of the open page. The store is the truth while the page is open and the address is its
 * mirror (see grid/viewAddress.ts): a slider moves faster than browsers let an address change.
 */
export const useViewStore = create<ViewStore>(() => ({
  view: DEFAULT_VIEW,
  zoomHistory: [],
  past: [],
  future: [],
  lastEdit: null,
}));

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
  useViewStore.setState({ view, zoomHistory: [], past: [], future: [], lastEdit: null });
}

/**
 * Changes layout or settings so that it can be undone.
 *
 * *name* says what is edited; edits of the same name in quick succession are undone together.
 */
export function edit(change: Partial<Arranged>, name = "", at = Date.now()): void {
  useViewStore.setState((store) => {
    const { settings, size, layout } = store.view;
    const merged = name !== "" && store.lastEdit?.name === name && at - store.lastEdit.at < MERGE_MS;
    return {
      view: { ...store.view, ...change },
      past: merged ? store.past : [...store.past.slice(1 - UNDO_LIMIT), { settings, size, layout }],
      future: [],
      lastEdit: { name, at },
    };
  });
}

export function editLayout(change: (layout: Layout) => Layout, name = ""): void {
  const { layout } = getView();
  const next = change(layout);
  if (next !== layout) edit({ layout: next }, name);
}

/** Changes what the workspace says for all charts. */
export function editSettings(
  change: { [Name in keyof ChartSettings]?: ChartSettings[Name] | undefined },
): void {
  const merged = Object.entries({ ...getView().settings, ...change }).filter(
    ([name, value]) => value !== undefined && value !== DEFAULT_CHART[name as keyof ChartSettings],
  );
  edit({ settings: Object.fromEntries(merged) }, `settings ${Object.keys(change).join()}`);
}

/** One setting of the workspace. */
export function useSetting<Name extends keyof ChartSettings>(name: Name): ChartSettings[Name] {
  return useView(({ settings }) => (settings[name] ?? DEFAULT_CHART[name]) as ChartSettings[Name]);
}

export function undo(): void {
  useViewStore.setState((store) => {
    const last = store.past.at(-1);
    if (!last) return store;
    const { settings, size, layout } = store.view;
    return {
      view: { ...store.view, ...last },
      past: store.past.slice(0, -1),
      future: [...store.future, { settings, size, layout }],
      lastEdit: null,
    };
  });
}

export function redo(): void {
  useViewStore.setState((store) => {
    const next = store.future.at(-1);
    if (!next) return store;
    const { settings, size, layout } = store.view;
    return {
      view: { ...store.view, ...next },
      past: [...store.past, { settings, size, layout }],
      future: store.future.slice(0, -1),
      lastEdit: null,
    };
  });
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
