import { X } from "lucide-react";
import { type Column, columnId, columnTitle } from "@/api/columns";
import { Choice } from "@/ui/Choice";
import { IconButton } from "@/ui/IconButton";
import type { SettingsProps } from "../registry";
import { ColumnField, RangeField, Switch } from "../settings/fields";
import { SettingGroup, SettingRow } from "../settings/SettingRow";
import { AXES_LIMIT, type AxisSetting, type ParallelSettings } from "./settings";

/** Axes, their scales and ranges, also for those who do not drag. */
export default function ParallelSettingsForm({ settings, onChange }: SettingsProps<ParallelSettings>) {
  const { axes } = settings;
  const set = (next: readonly AxisSetting[]) => onChange({ axes: next.length > 0 ? next : undefined });
  const change = (index: number, next: AxisSetting) =>
    set(axes.map((axis, i) => (i === index ? next : axis)));
  const add = (column: Column | null) => {
    if (column && !axes.some((axis) => columnId(axis.column) === columnId(column)))
      set([...axes, { column }]);
  };
  return (
    <>
      <SettingGroup title="Axes">
        {axes.length === 0 && <p className="setting-note">What varies most, and the main metric.</p>}
        {axes.map((axis, index) => (
          <div key={columnId(axis.column)} className="axis-setting">
            <SettingRow label={columnTitle(axis.column)}>
              <ColumnField
                label={`Axis ${index + 1}`}
                value={axis.column}
                onChange={(column) => column && change(index, { column })}
              />
              <IconButton
                label={`Remove ${columnTitle(axis.column)}`}
                onClick={() => set(axes.filter((other) => other !== axis))}
              >
                <X size={13} />
              </IconButton>
            </SettingRow>
            {typeof axis.range?.[0] !== "string" && (
              <SettingRow label="Keep">
                <RangeField
                  label={columnTitle(axis.column)}
                  value={
                    axis.range && typeof axis.range[0] === "number"
                      ? [axis.range[0], Number(axis.range[1])]
                      : [null, null]
                  }
                  onChange={([low, high]) => {
                    const { range: _, ...rest } = axis;
                    const ends = [low ?? -Number.MAX_VALUE, high ?? Number.MAX_VALUE] as const;
                    change(index, low === null && high === null ? rest : { ...rest, range: ends });
                  }}
                />
              </SettingRow>
            )}
            <SettingRow label="Log">
              <Switch
                label={`Log ${columnTitle(axis.column)}`}
                checked={axis.log === true}
                onChange={(log) => {
                  const { log: _, ...rest } = axis;
                  change(index, log ? { ...rest, log } : rest);
                }}
              />
            </SettingRow>
          </div>
        ))}
        {axes.length < AXES_LIMIT && (
          <SettingRow label="Add an axis">
            <ColumnField label="Add an axis" value={null} none="choose…" onChange={add} />
          </SettingRow>
        )}
      </SettingGroup>
      <SettingGroup title="Colour">
        <SettingRow label="By">
          <ColumnField
            label="Colour by"
            value={settings.color}
            none="last metric"
            onChange={(color) => onChange({ color: color ?? undefined })}
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
    </>
  );
}
