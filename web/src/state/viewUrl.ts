import type { Axis } from "@/charts/core/model";
import { decodeNumbers, encodeNumbers, type Selection } from "./selection";
import {
  AGGREGATES,
  type Aggregate,
  DEFAULT_SORT,
  DEFAULT_VIEW,
  type PanelSettings,
  type PanelSize,
  type Sort,
  type View,
} from "./view";

/** The parameters of an address, all text. */
export type Params = Readonly<Record<string, string>>;

/** The view as parameters; what is at its default is left out, so that links stay short. */
export function encodeView(view: View): Record<string, string> {
  const params: Record<string, string> = {};
  const put = (name: string, value: string, unless = "") => {
    if (value !== unless) params[name] = value;
  };
  put("q", view.panelSearch);
  put("plain", view.panelRegex ? "" : "1");
  put("runs", view.runSearch);
  put("runs_regex", view.runRegex ? "1" : "");
  put("filter", view.filter);
  put("sort", encodeSort(view.sort), encodeSort(DEFAULT_SORT));
  // JSON, because a config key may contain any separator one could choose.
  put("group", view.group.length > 0 ? JSON.stringify(view.group) : "");
  put("individual", view.individual ? "1" : "");
  put("x", view.axis, DEFAULT_VIEW.axis);
  put("xlog", view.xLog ? "1" : "");
  put("ylog", view.yLog ? "1" : "");
  put("smooth", String(view.smoothing), "0");
  put("band", view.band ? "" : "0");
  put("zoom", Object.keys(view.zoom).length > 0 ? JSON.stringify(view.zoom) : "");
  put("size", view.size, DEFAULT_VIEW.size);
  put("panel", view.panel ?? "");
  if (view.selection.shown === "none") params.show = encodeNumbers(view.selection.except) || "none";
  else put("hide", encodeNumbers(view.selection.except));
  put("pin", encodeNumbers(view.pinned));
  put("fold", view.collapsed.length > 0 ? JSON.stringify(view.collapsed) : "");
  put("set", Object.keys(view.overrides).length > 0 ? JSON.stringify(view.overrides) : "");
  put("step", view.step === null ? "" : String(view.step));
  put("linked", view.stepLinked ? "" : "0");
  put("steps", Object.keys(view.steps).length > 0 ? JSON.stringify(view.steps) : "");
  return params;
}

/** The view that parameters describe. Unknown or broken ones fall back to their default: a link never fails. */
export function decodeView(params: Params): View {
  const smoothing = Number(params.smooth ?? 0);
  return {
    panelSearch: params.q ?? "",
    panelRegex: params.plain !== "1",
    runSearch: params.runs ?? "",
    runRegex: params.runs_regex === "1",
    filter: params.filter ?? "",
    sort: decodeSort(params.sort ?? ""),
    group: decodeTexts(params.group),
    individual: params.individual === "1",
    axis: decodeAxis(params.x ?? ""),
    xLog: params.xlog === "1",
    yLog: params.ylog === "1",
    smoothing: smoothing > 0 && smoothing < 1 ? smoothing : 0,
    band: params.band !== "0",
    zoom: decodeZoom(params.zoom),
    size: isSize(params.size) ? params.size : DEFAULT_VIEW.size,
    panel: params.panel || null,
    selection: decodeSelection(params),
    pinned: [...decodeNumbers(params.pin ?? "")],
    collapsed: decodeTexts(params.fold),
    overrides: decodeOverrides(params.set),
    stepLinked: params.linked !== "0",
    step: decodeStep(params.step),
    steps: Object.fromEntries(
      Object.entries(parseObject(params.steps)).filter(([, step]) => Number.isSafeInteger(step)),
    ) as Record<string, number>,
  };
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

function decodeAxis(text: string): Axis {
  if (text === "relative" || text === "wall") return text;
  return isMetricAxis(text) ? text : "step";
}

function isMetricAxis(text: string): text is `metric:${string}` {
  return text.startsWith("metric:") && text.length > "metric:".length;
}

function decodeZoom(text: string | undefined): View["zoom"] {
  const zoom: Partial<Record<Axis, readonly [number, number]>> = {};
  for (const [name, range] of Object.entries(parseObject(text))) {
    const axis = decodeAxis(name);
    if (axis !== name || !Array.isArray(range)) continue;
    const [low, high]: unknown[] = range;
    if (typeof low === "number" && typeof high === "number" && low < high) zoom[axis] = [low, high];
  }
  return zoom;
}

function decodeSelection(params: Params): Selection {
  return params.show === undefined
    ? { shown: "all", except: decodeNumbers(params.hide ?? "") }
    : { shown: "none", except: decodeNumbers(params.show) };
}

function decodeOverrides(text: string | undefined): View["overrides"] {
  const overrides: Record<string, PanelSettings> = {};
  for (const [key, value] of Object.entries(parseObject(text))) {
    if (typeof value !== "object" || value === null) continue;
    const settings: PanelSettings = {};
    if ("xLog" in value && typeof value.xLog === "boolean") settings.xLog = value.xLog;
    if ("yLog" in value && typeof value.yLog === "boolean") settings.yLog = value.yLog;
    if ("fit" in value && typeof value.fit === "boolean") settings.fit = value.fit;
    if ("smoothing" in value && typeof value.smoothing === "number") settings.smoothing = value.smoothing;
    overrides[key] = settings;
  }
  return overrides;
}

function decodeStep(text: string | undefined): number | null {
  const step = Number(text);
  return text && Number.isSafeInteger(step) ? step : null;
}

function decodeTexts(text: string | undefined): string[] {
  const value = parseJson(text);
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function parseObject(text: string | undefined): object {
  const value = parseJson(text);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
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

function isSize(text: string | undefined): text is PanelSize {
  return text === "s" || text === "m" || text === "l";
}
