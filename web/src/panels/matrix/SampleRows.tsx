import type { SettingsProps } from "../registry";
import { ColumnField, Switch } from "../settings/fields";
import { SettingGroup, SettingRow } from "../settings/SettingRow";
import type { SampleSettings } from "./sampleSettings";

interface SampleRowsProps extends Pick<SettingsProps<SampleSettings>, "settings" | "onChange"> {
  log?: boolean;
  children?: React.ReactNode;
}

/** Settings that bars, boxes, violins and histograms share. */
export function SampleRows({ settings, onChange, log = true, children }: SampleRowsProps) {
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
      <SettingRow label="By">
        <ColumnField
          label="By"
          value={settings.by}
          none="all together"
          onChange={(by) => onChange({ by: by ?? undefined })}
        />
      </SettingRow>
      {log && (
        <SettingRow label="Log">
          <Switch label="Log" checked={settings.log} onChange={(on) => onChange({ log: on || undefined })} />
        </SettingRow>
      )}
      {children}
    </SettingGroup>
  );
}
