import type { LineChart } from "./line";

/** What tests may know about a chart; canvases cannot be queried. */
export interface ChartReport {
  key: string;
  ids: string[];
  axis: string;
  xDomain: readonly [number, number];
  yDomain: readonly [number, number];
  highlighted: string | null;
  drawn: number;
  total: number;
  lastX: number[];
  visible: boolean;
  /** The canvases show the latest points. */
  painted: boolean;
}

const charts = new Map<LineChart, () => ChartReport>();

declare global {
  interface Window {
    __treering?: { charts(): ChartReport[] };
  }
}

export function registerChart(chart: LineChart, report: () => ChartReport): () => void {
  charts.set(chart, report);
  window.__treering = { charts: () => [...charts.values()].map((read) => read()) };
  return () => charts.delete(chart);
}
