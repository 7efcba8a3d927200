import { panelType } from "@/panels/registry";
import type { Panel, Settings } from "@/state/layout";

/** What a panel is called. */
export function panelName(panel: Panel): string {
  const type = panelType(panel.type);
  if (panel.title || !type) return panel.title ?? panel.type;
  return type.name({ ...type.defaults, ...type.check(panel.settings) } as Settings, null);
}
