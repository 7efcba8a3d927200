import type { SettingsProps } from "../registry";
import { ColumnField, Switch } from "../settings/fields";
import { SettingGroup, SettingRow } from "../settings/SettingRow";
import type { TimelineSettings } from "./settings";

export default function TimelineSettingsForm({ settings, onChange }: SettingsProps<TimelineSettings>) {
  return (
    <SettingGroup title="Data">
      <SettingRow label="Y">
        <ColumnField
          label="Y"
          value={settings.y}
          none="main metric"
          onChange={(y) => onChange({ y: y ?? undefined })}
        />
      </SettingRow>
      <SettingRow label="Colour">
        <ColumnField
          label="Colour"
          value={settings.color}
          none="by run"
          onChange={(color) => onChange({ color: color ?? undefined })}
        />
      </SettingRow>
      <SettingRow label="Log y">
        <Switch
          label="Log y"
          checked={settings.log}
          onChange={(log) => onChange({ log: log || undefined })}
        />
      </SettingRow>
      <SettingRow
        label="Mark changes"
        note="Where the level of the figure became another, with the commit that came with it."
      >
        <Switch
          label="Mark changes"
          checked={settings.changes}
          onChange={(changes) => onChange({ changes: changes ? undefined : false })}
        />
      </SettingRow>
    </SettingGroup>
  );
}
