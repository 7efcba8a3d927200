import { Choice } from "@/ui/Choice";
import type { SettingsProps } from "../registry";
import { ColumnField } from "../settings/fields";
import { SettingGroup, SettingRow } from "../settings/SettingRow";
import type { ScalarSettings } from "./settings";

export default function ScalarSettingsForm({ settings, onChange }: SettingsProps<ScalarSettings>) {
  return (
    <SettingGroup title="Data">
      <SettingRow label="Value">
        <ColumnField
          label="Value"
          value={settings.value}
          none="main metric"
          onChange={(value) => onChange({ value: value ?? undefined })}
        />
      </SettingRow>
      <SettingRow label="Show">
        <Choice
          label="Show"
          value={settings.show}
          options={[
            ["best", "the best"],
            ["newest", "the newest"],
            ["mean", "the mean"],
          ]}
          onChange={(show) => onChange({ show })}
        />
      </SettingRow>
      <SettingRow label="Best is">
        <Choice
          label="Best is"
          value={settings.best ?? "auto"}
          options={[
            ["auto", "as declared"],
            ["min", "lowest"],
            ["max", "highest"],
          ]}
          onChange={(best) => onChange({ best: best === "auto" ? undefined : best })}
        />
      </SettingRow>
    </SettingGroup>
  );
}
