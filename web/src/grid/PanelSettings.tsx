import { RotateCcw } from "lucide-react";
import { Suspense } from "react";
import type { KeyInfo } from "@/api/types";
import type { Settled } from "@/panels/cascade";
import { useKeys } from "@/panels/cast";
import type { Change, PanelType } from "@/panels/registry";
import { TextField } from "@/panels/settings/fields";
import { SettingRow } from "@/panels/settings/SettingRow";
import { type Panel, replacePanel, type Section, type Settings } from "@/state/layout";
import { editLayout } from "@/state/view";

interface PanelSettingsProps {
  panel: Panel;
  info: KeyInfo | null;
  type: PanelType;
  section: Section;
  settled: Settled;
  onChange(change: Change<Settings>): void;
}

/** What stands in the popover at a panel: its title, what its type can set, and how much of it is its own. */
export function PanelSettings({ panel, info, type, section, settled, onChange }: PanelSettingsProps) {
  const keys = useKeys();
  const { own, inherited, settings } = settled;
  const overridden = (type.shared ?? []).filter((name) => name in own);
  const rename = (title: string) =>
    editLayout((layout) => {
      const { title: _, ...rest } = panel;
      return replacePanel(layout, title ? { ...rest, title } : rest);
    }, `title ${panel.id}`);
  const { Settings: Rows } = type;
  return (
    <div className="settings-form">
      <div className="settings-head">
        <b>{type.title}</b>
        {overridden.length > 0 && (
          <button
            type="button"
            className="link-button"
            title={`Inherit all from the section “${section.name}” and the workspace again`}
            onClick={() => onChange(Object.fromEntries(overridden.map((name) => [name, undefined])))}
          >
            <RotateCcw size={11} />
            reset {overridden.length} overridden
          </button>
        )}
      </div>
      <SettingRow label="Title" overridden={panel.title !== undefined} onReset={() => rename("")}>
        <TextField
          label="Title"
          value={panel.title ?? ""}
          placeholder={type.name(settings, info)}
          onChange={rename}
        />
      </SettingRow>
      {Rows && (
        <Suspense fallback={<p className="list-empty">Loading…</p>}>
          <Rows
            panel={panel}
            info={info}
            settings={settings}
            own={own}
            inherited={inherited}
            keys={keys}
            fullScreen={false}
            onChange={onChange}
          />
        </Suspense>
      )}
    </div>
  );
}
