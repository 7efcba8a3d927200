import type { Axis } from "@/charts/core/model";
import type { Settings } from "./layout";
import {
  applyLayoutChanges,
  isFields,
  isSize,
  layoutChanges,
  readLayout,
  readSettings,
  writeLayout,
} from "./readLayout";
import { decodeNumbers, encodeNumbers, type Selection } from "./selection";
import { type ChartSettings, checkChart, DEFAULT_CHART, readAxis } from "./settings";
import { AGGREGATES, type Aggregate, DEFAULT_SORT, DEFAULT_VIEW, type Sort, type View } from "./view";

/** The parameters of an address, all text. */
export type Params = Readonly<Record<string, string>>;

/** The name of the saved view that an address begins from. */
export const SAVED_PARAM = "view";

/** The view as parameters; what is at its default is left out, so that links stay short. */
export function encodeView(view: View): Record<string, string> {
  const params: Record<string, string> = {};
  const put = (name: string, value: string, unless = "") => {
    if (value !== unless) params[name] = value;
  };
  const { axis, xLog, yLog, smoothing, band, ...others } = view.settings;
  put("q", view.panelSearch);
  put("plain", view.panelRegex ? "" : "1");
  put("runs", view.runSearch);
  put("runs_regex", view.runRegex ? "1" : "");
  put("filter", view.filter);
  put("sort", encodeSort(view.sort), encodeSort(DEFAULT_SORT));
  // JSON, because a config key may contain any separator one could choose.
  put("group", view.group.length > 0 ? JSON.stringify(view.group) : "");
  put("individual", view.individual ? "1" : "");
  put("x", axis ?? "");
  put("xlog", xLog ? "1" : "");
  put("ylog", yLog ? "1" : "");
  put("smooth", smoothing ? String(smoothing) : "");
  put("band", band === false ? "0" : "");
  put("set", encodeObject(others));
  put("zoom", encodeObject(view.zoom));
  put("size", view.size, DEFAULT_VIEW.size);
  put("layout", encodeObject(writeLayout(view.layout)));
  put("panel", view.panel ?? "");
  if (view.selection.shown === "none") params.show = encodeNumbers(view.selection.except) || "none";
  else put("hide", encodeNumbers(view.selection.except));
  put("pin", encodeNumbers(view.pinned));
  put("base", view.baseline === null ? "" : String(view.baseline));
  put("fold", view.collapsed.length > 0 ? JSON.stringify(view.collapsed) : "");
  put("step", view.step === null ? "" : String(view.step));
  put("linked", view.stepLinked ? "" : "0");
  put("steps", encodeObject(view.steps));
  put("table", encodeObject(view.table));
  return params;
}

/** The view that parameters describe. Unknown or broken ones fall back to their default: a link never fails. */
export function decodeView(params: Params): View {
  return {
    panelSearch: params.q ?? "",
    panelRegex: params.plain !== "1",
    runSearch: params.runs ?? "",
    runRegex: params.runs_regex === "1",
    filter: params.filter ?? "",
    sort: decodeSort(params.sort ?? ""),
    group: decodeTexts(params.group),
    individual: params.individual === "1",
    settings: decodeChart(params),
    zoom: decodeZoom(params.zoom),
    size: isSize(params.size) ? params.size : DEFAULT_VIEW.size,
    layout: readLayout(parseJson(params.layout)),
    panel: params.panel || null,
    selection: decodeSelection(params),
    pinned: [...decodeNumbers(params.pin ?? "")],
    baseline:
      decodeNumbers(params.base ?? "")
        .values()
        .next().value ?? null,
    collapsed: decodeTexts(params.fold),
    stepLinked: params.linked !== "0",
    step: decodeStep(params.step),
    steps: Object.fromEntries(
      Object.entries(parseObject(params.steps)).filter(([, step]) => Number.isSafeInteger(step)),
    ) as Record<string, number>,
    table: readSettings(parseJson(params.table)),
  };
}

/** What of *view* differs from *base*, as parameters: an empty one takes a value back to its default. */
export function encodeDifference(base: View, view: View): Record<string, string> {
  const [before, after] = [encodeView(base), encodeView(view)];
  const params: Record<string, string> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (before[name] !== after[name]) params[name] = after[name] ?? "";
  }
  // Of a layout only the sections that changed.
  if (params.layout !== undefined) {
    delete params.layout;
    const changes = layoutChanges(base.layout, view.layout);
    if (changes) params.layout = JSON.stringify(changes);
  }
  return params;
}

/** The inverse of `encodeDifference`. */
export function decodeDifference(base: View, params: Params): View {
  const { layout, ...others } = params;
  const merged: Record<string, string> = { ...encodeView(base), ...others };
  // Shown and hidden runs are two ways to say one thing.
  if (others.show) delete merged.hide;
  else if (others.hide) delete merged.show;
  return {
    ...decodeView(merged),
    layout: layout === undefined ? base.layout : applyLayoutChanges(base.layout, parseJson(layout)),
  };
}

function decodeChart(params: Params): Partial<ChartSettings> {
  const raw: Record<string, unknown> = { ...parseObject(params.set) };
  const smoothing = Number(params.smooth ?? 0);
  if (params.x) raw.axis = readAxis(params.x);
  if (params.xlog) raw.xLog = params.xlog === "1";
  if (params.ylog) raw.yLog = params.ylog === "1";
  if (smoothing > 0) raw.smoothing = smoothing;
  if (params.band) raw.band = params.band !== "0";
  const checked = Object.entries(checkChart(raw as Settings)).filter(
    ([name, value]) => value !== DEFAULT_CHART[name as keyof ChartSettings],
  );
  return Object.fromEntries(checked);
}

/** `-metric:val/acc@max`: descending by the highest val/acc. */
function encodeSort({ by, agg, desc }: Sort): string {
  return `${desc ? "-" : ""}${by}${by.startsWith("metric:") ? `@${agg}` : ""}`;
}

function decodeSort(text: string): Sort {
  if (!text) return DEFAULT_SORT;
  const desc = text.startsWith("-");
  const rest = desc ? text.slice(1) : text;
  const split = rest.startsWith("metric:") ? rest.lastIndexOf("@") : -1;
  const agg = split < 0 ? "" : rest.slice(split + 1);
  return isAggregate(agg) ? { by: rest.slice(0, split), agg, desc } : { by: rest, agg: "last", desc };
}

function decodeZoom(text: string | undefined): View["zoom"] {
  const zoom: Partial<Record<Axis, readonly [number, number]>> = {};
  for (const [name, range] of Object.entries(parseObject(text))) {
    const axis = readAxis(name);
    if (axis === null || !Array.isArray(range)) continue;
    const [low, high]: unknown[] = range;
    if (typeof low === "number" && typeof high === "number" && low < high) zoom[axis] = [low, high];
  }
  return zoom;
}

function decodeSelection(params: Params): Selection {
  return params.show
    ? { shown: "none", except: decodeNumbers(params.show) }
    : { shown: "all", except: decodeNumbers(params.hide ?? "") };
}

function decodeStep(text: string | undefined): number | null {
  const step = Number(text);
  return text && Number.isSafeInteger(step) ? step : null;
}

function decodeTexts(text: string | undefined): string[] {
  const value = parseJson(text);
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function encodeObject(value: object): string {
  return Object.keys(value).length > 0 ? JSON.stringify(value) : "";
}

function parseObject(text: string | undefined): Readonly<Record<string, unknown>> {
  const value = parseJson(text);
  return isFields(value) ? value : {};
}

function parseJson(text: string | undefined): unknown {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isAggregate(text: string): text is Aggregate {
  return (AGGREGATES as readonly string[]).includes(text);
}
