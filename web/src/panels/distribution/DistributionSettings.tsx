import { Segmented } from "@/ui/Segmented";
import { SampleRows } from "../matrix/SampleRows";
import type { SettingsProps } from "../registry";
import { SettingRow } from "../settings/SettingRow";
import type { DistributionSettings } from "./settings";

export default function DistributionSettingsForm({
  settings,
  onChange,
}: SettingsProps<DistributionSettings>) {
  return (
    <SampleRows settings={settings} onChange={onChange}>
      <SettingRow label="Shape">
        <Segmented
          label="Shape"
          value={settings.shape}
          options={[
            ["box", "Box"],
            ["violin", "Violin"],
          ]}
          onChange={(shape) => onChange({ shape })}
        />
      </SettingRow>
    </SampleRows>
  );
}
