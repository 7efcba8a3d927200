import { Choice } from "@/ui/Choice";
import type { SettingsProps } from "../registry";
import { ColumnField } from "../settings/fields";
import { SettingGroup, SettingRow } from "../settings/SettingRow";
import { type ImportanceSettings, METHODS } from "./settings";

export default function ImportanceSettingsForm({ settings, onChange }: SettingsProps<ImportanceSettings>) {
  return (
    <SettingGroup title="Data">
      <SettingRow label="Metric">
        <ColumnField
          label="Metric"
          value={settings.metric}
          none="main metric"
          onChange={(metric) => onChange({ metric: metric ?? undefined })}
        />
      </SettingRow>
      <SettingRow label="Method">
        <Choice
          label="Method"
          value={settings.method}
          options={METHODS}
          onChange={(method) => onChange({ method })}
        />
      </SettingRow>
    </SettingGroup>
  );
}
