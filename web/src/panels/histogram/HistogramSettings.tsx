import { SampleRows } from "../matrix/SampleRows";
import type { SettingsProps } from "../registry";
import { NumberField } from "../settings/fields";
import { SettingRow } from "../settings/SettingRow";
import type { HistogramSettings } from "./settings";

export default function HistogramSettingsForm({ settings, onChange }: SettingsProps<HistogramSettings>) {
  return (
    <SampleRows settings={settings} onChange={onChange}>
      <SettingRow label="Bins">
        <NumberField
          label="Bins"
          value={settings.bins}
          onChange={(bins) => onChange({ bins: bins === null ? undefined : Math.max(1, Math.round(bins)) })}
        />
      </SettingRow>
    </SampleRows>
  );
}
