/** What tests may know about a chart of runs; canvases cannot be queried. */
export interface PlotReport {
  name: string;
  ids: readonly string[];
  highlighted: string | null;
  /** The canvases show the latest model. */
  painted: boolean;
  /** Duration of the last full paint. */
  paintMs: number;
  /** Where a mark is, in CSS pixels of the chart. */
  place(index: number): readonly [number, number] | null;
}

const plots = new Set<() => PlotReport>();

declare global {
  interface Window {
    __treeringPlots?: () => PlotReport[];
  }
}

export function registerPlot(report: () => PlotReport): () => void {
  plots.add(report);
  window.__treeringPlots = () => [...plots].map((read) => read());
  return () => plots.delete(report);
}
