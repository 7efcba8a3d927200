import { Suspense, useMemo } from "react";
import { settle } from "@/panels/cascade";
import { useKeys } from "@/panels/cast";
import type { Change, PanelType } from "@/panels/registry";
import { TextField } from "@/panels/settings/fields";
import { SettingRow } from "@/panels/settings/SettingRow";
import type { Panel, Settings } from "@/state/layout";

interface PanelSettingsProps {
  panel: Panel;
  type: PanelType;
  onTitle(title: string): void;
  onChange(change: Change<Settings>): void;
}

/** Settings of a panel of a report: all its own, since nothing is inherited from a workspace. */
export function PanelSettings({ panel, type, onTitle, onChange }: PanelSettingsProps) {
  const keys = useKeys();
  const { own, inherited, settings } = useMemo(
    () => settle(type, {}, {}, panel.settings),
    [type, panel.settings],
  );
  const { Settings: Rows } = type;
  return (
    <div className="settings-form">
      <div className="settings-head">
        <b>{type.title}</b>
      </div>
      <SettingRow label="Title" overridden={panel.title !== undefined} onReset={() => onTitle("")}>
        <TextField
          label="Title"
          value={panel.title ?? ""}
          placeholder={type.name(settings, null)}
          onChange={onTitle}
        />
      </SettingRow>
      {Rows && (
        <Suspense fallback={<p className="list-empty">Loading…</p>}>
          <Rows
            panel={panel}
            info={null}
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
