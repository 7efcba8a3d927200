import { Choice } from "@/ui/Choice";
import type { SettingsProps } from "../registry";
import { ColumnField, Switch } from "../settings/fields";
import { SettingGroup, SettingRow } from "../settings/SettingRow";
import type { ScatterSettings } from "./settings";

const BEST = [
  ["auto", "as declared"],
  ["min", "low is good"],
  ["max", "high is good"],
] as const;

export default function ScatterSettingsForm({ settings, onChange }: SettingsProps<ScatterSettings>) {
  const { x, y, color, size, front } = settings;
  return (
    <>
      <SettingGroup title="Data">
        <SettingRow label="X">
          <ColumnField
            label="X"
            value={x}
            none="varies most"
            onChange={(next) => onChange({ x: next ?? undefined })}
          />
        </SettingRow>
        <SettingRow label="Y">
          <ColumnField
            label="Y"
            value={y}
            none="main metric"
            onChange={(next) => onChange({ y: next ?? undefined })}
          />
        </SettingRow>
        <SettingRow label="Colour">
          <ColumnField
            label="Colour"
            value={color}
            none="by run"
            onChange={(next) => onChange({ color: next ?? undefined })}
          />
        </SettingRow>
        <SettingRow label="Size">
          <ColumnField
            label="Size"
            value={size}
            none="all alike"
            onChange={(next) => onChange({ size: next ?? undefined })}
          />
        </SettingRow>
      </SettingGroup>
      <SettingGroup title="Axes">
        <SettingRow label="Log x">
          <Switch
            label="Log x"
            checked={settings.xLog}
            onChange={(xLog) => onChange({ xLog: xLog || undefined })}
          />
        </SettingRow>
        <SettingRow label="Log y">
          <Switch
            label="Log y"
            checked={settings.yLog}
            onChange={(yLog) => onChange({ yLog: yLog || undefined })}
          />
        </SettingRow>
      </SettingGroup>
      <SettingGroup title="Line">
        <SettingRow label="Show">
          <Choice
            label="Line"
            value={front}
            options={[
              ["none", "none"],
              ["pareto", "Pareto front"],
              ["best", "best so far"],
            ]}
            onChange={(next) => onChange({ front: next === "none" ? undefined : next })}
          />
        </SettingRow>
        {front === "pareto" && (
          <SettingRow label="Of x">
            <Choice
              label="Good x"
              value={settings.xBest ?? "auto"}
              options={BEST}
              onChange={(next) => onChange({ xBest: next === "auto" ? undefined : next })}
            />
          </SettingRow>
        )}
        {front !== "none" && (
          <SettingRow label="Of y">
            <Choice
              label="Good y"
              value={settings.yBest ?? "auto"}
              options={BEST}
              onChange={(next) => onChange({ yBest: next === "auto" ? undefined : next })}
            />
          </SettingRow>
        )}
      </SettingGroup>
    </>
  );
}
