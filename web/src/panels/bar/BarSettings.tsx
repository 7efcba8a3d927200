import { Choice } from "@/ui/Choice";
import { SampleRows } from "../matrix/SampleRows";
import type { SettingsProps } from "../registry";
import { SettingRow } from "../settings/SettingRow";
import type { BarSettings } from "./settings";

export default function BarSettingsForm({ settings, onChange }: SettingsProps<BarSettings>) {
  return (
    <SampleRows settings={settings} onChange={onChange} log={false}>
      <SettingRow label="Order">
        <Choice
          label="Order"
          value={settings.order}
          options={[
            ["high", "highest first"],
            ["low", "lowest first"],
            ["name", "by name"],
          ]}
          onChange={(order) => onChange({ order })}
        />
      </SettingRow>
    </SampleRows>
  );
}
