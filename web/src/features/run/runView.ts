import type { ViewList } from "@/api/views";
import { AUTOMATIC, type Layout, type Panel } from "@/state/layout";
import { openAddress, originOf } from "@/state/savedView";
import { DEFAULT_VIEW } from "@/state/view";
import type { Params } from "@/state/viewUrl";

/** Panels that say something about one run; the others set many beside each other. */
const OF_ONE_RUN = new Set(["line", "media", "markdown"]);

/** Opens a run's charts as its project arranges them by default, and what the address says beyond that. */
export function openRunView(list: ViewList, params: Params, arranged: boolean): void {
  const origin = originOf(list.default, true);
  const { settings, size, layout } = origin.base;
  const base = { ...DEFAULT_VIEW, settings, size, layout: arranged ? forOneRun(layout) : AUTOMATIC };
  openAddress(params, { ...origin, saved: null, base });
}

/** A layout without the panels that compare runs, and without the sections that have nothing else. */
export function forOneRun(layout: Layout): Layout {
  const speaks = ({ type }: Panel) => OF_ONE_RUN.has(type);
  const sections = layout.sections.map((section) => ({ ...section, panels: section.panels.filter(speaks) }));
  return {
    ...layout,
    sections: sections.filter(({ auto, panels }) => auto !== null || panels.length > 0),
    changed: layout.changed.filter(speaks),
  };
}
