import type { SettingsProps } from "../registry";
import { SettingGroup, SettingRow } from "../settings/SettingRow";
import type { MarkdownSettings } from "./settings";

export default function MarkdownSettingsForm({ settings, onChange }: SettingsProps<MarkdownSettings>) {
  return (
    <SettingGroup title="Text">
      <SettingRow label="Markdown" wide>
        <textarea
          className="text-input markdown-input"
          aria-label="Markdown"
          rows={10}
          value={settings.text}
          onChange={(event) => onChange({ text: event.target.value })}
        />
      </SettingRow>
    </SettingGroup>
  );
}
