import type { Settings } from "@/state/layout";
import type { PanelType } from "./registry";

export interface Settled {
  /** All settings, as they hold. */
  settings: Settings;
  /** What they would be without the panel's own. */
  inherited: Settings;
  /** The panel's own, checked. */
  own: Settings;
}

/** Settings of a panel: its type's defaults, then workspace, section and panel, each over the one before. */
export function settle(type: PanelType, workspace: object, section: Settings, panel: Settings): Settled {
  const shared = new Set(type.shared ?? []);
  const inheritable = (level: object): Settings =>
    Object.fromEntries(
      Object.entries(type.check(level as Settings)).filter(
        ([name, value]) => shared.has(name) && value !== undefined,
      ),
    ) as Settings;
  const inherited: Settings = { ...type.defaults, ...inheritable(workspace), ...inheritable(section) };
  const own = type.check(panel) as Settings;
  return { settings: { ...inherited, ...own }, inherited, own };
}
