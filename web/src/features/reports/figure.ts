// A figure of a report: panels side by side over one run set.

import type { Panel, Settings } from "@/state/layout";
import { type Fields, isFields } from "./blocks";

export type FigureHeight = "s" | "m" | "l" | "xl";

/** What a figure's block says, as far as it is understood. The rest of it is kept as it is. */
export interface FigureSpec {
  panels: readonly Panel[];
  /** The name of a run set, one of its own, or null for the report's first. */
  runs: string | Fields | null;
  caption: string;
  height: FigureHeight;
  /** Panels beside each other; null = as many as fit. */
  columns: number | null;
}

const HEIGHTS: readonly FigureHeight[] = ["s", "m", "l", "xl"];

export function readFigure(value: Fields): FigureSpec {
  const raw = Array.isArray(value.panels) ? value.panels : [value.panel];
  const { runs, caption, height, columns } = value;
  return {
    panels: raw.filter(isFields).map((panel, place) => readPanel(panel, place)),
    runs: typeof runs === "string" || isFields(runs) ? runs : null,
    caption: typeof caption === "string" ? caption : "",
    height: HEIGHTS.find((one) => one === height) ?? "m",
    columns: typeof columns === "number" && columns >= 1 && columns <= 4 ? Math.round(columns) : null,
  };
}

function readPanel(panel: Fields, place: number): Panel {
  return {
    id: `+${place}`,
    type: typeof panel.type === "string" ? panel.type : "",
    ...(typeof panel.title === "string" ? { title: panel.title } : {}),
    settings: isFields(panel.settings) ? (panel.settings as Settings) : {},
  };
}

/** The block of a figure, with everything in *former* that it does not speak of. */
export function writeFigure(spec: FigureSpec, former: Fields = {}): Fields {
  const {
    panel: _panel,
    panels: _panels,
    runs: _runs,
    caption: _caption,
    height: _height,
    columns: _columns,
    ...rest
  } = former;
  const panels = spec.panels.map(({ type, title, settings }) => ({
    type,
    ...(title ? { title } : {}),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
  }));
  return {
    ...(panels.length === 1 && panels[0] ? { panel: panels[0] } : { panels }),
    ...(spec.runs === null ? {} : { runs: spec.runs }),
    ...(spec.caption ? { caption: spec.caption } : {}),
    ...(spec.height === "m" ? {} : { height: spec.height }),
    ...(spec.columns === null ? {} : { columns: spec.columns }),
    ...rest,
  };
}
