import { useState } from "react";
import { Choice } from "@/ui/Choice";
import type { SettingsProps } from "../registry";
import { KeysField, RangeField, TextField } from "../settings/fields";
import { SettingGroup, SettingRow } from "../settings/SettingRow";
import { ChartRows } from "./ChartRows";
import { ExpressionField } from "./ExpressionField";
import { effective, isExpression, type LineSettings, shownKeys } from "./settings";

const LEGENDS = [
  ["auto", "while few"],
  ["show", "always"],
  ["hide", "never"],
] as const;

/** Everything a line panel can be told. */
export default function LineSettingsForm({
  settings: asked,
  own,
  info,
  keys: allKeys,
  onChange,
}: SettingsProps<LineSettings>) {
  const shown = shownKeys(asked, info, allKeys);
  const infos = shown.keys.map((key) => allKeys.find((other) => other.key === key) ?? null);
  const settings = effective(asked, own, info ? [info] : infos);
  const metrics = asked.keys.filter((key) => !isExpression(key));
  const expressions = asked.keys.filter(isExpression);
  // One more field than there are expressions, for the next one.
  const [draft, setDraft] = useState("");
  return (
    <>
      {!info && (
        <SettingGroup title="Data">
          <SettingRow label="Metrics" wide>
            <KeysField
              label="Metrics"
              value={metrics}
              onChange={(next) => onChange({ keys: [...next, ...expressions] })}
            />
          </SettingRow>
          <SettingRow
            label="All that match"
            note={
              shown.broken
                ? "This is not a regular expression yet."
                : asked.pattern && `${shown.keys.length - asked.keys.length} metrics match.`
            }
          >
            <TextField
              label="All that match"
              value={asked.pattern}
              placeholder="regular expression"
              onChange={(pattern) => onChange({ pattern: pattern || undefined })}
            />
          </SettingRow>
          <SettingRow label="Expressions" wide>
            {expressions.map((expression, place) => (
              <ExpressionField
                // biome-ignore lint/suspicious/noArrayIndexKey: an expression is edited in its place
                key={place}
                value={expression}
                onChange={(next) =>
                  onChange({
                    keys: [
                      ...metrics,
                      ...expressions.flatMap((other, index) => (index === place ? (next ?? []) : other)),
                    ],
                  })
                }
              />
            ))}
            <ExpressionField
              value={draft}
              onChange={(next) => {
                setDraft("");
                if (next) onChange({ keys: [...metrics, ...expressions, next] });
              }}
            />
          </SettingRow>
        </SettingGroup>
      )}
      <ChartRows
        settings={settings}
        own={own}
        onChange={onChange}
        axes={
          <>
            <SettingRow
              label="X range"
              overridden={own.xRange !== undefined}
              onReset={() => onChange({ xRange: undefined })}
            >
              <RangeField label="X" value={settings.xRange} onChange={(xRange) => onChange({ xRange })} />
            </SettingRow>
            <SettingRow
              label="Y range"
              overridden={own.yRange !== undefined}
              onReset={() => onChange({ yRange: undefined })}
            >
              <RangeField label="Y" value={settings.yRange} onChange={(yRange) => onChange({ yRange })} />
            </SettingRow>
          </>
        }
      />
      <SettingGroup title="Legend">
        <SettingRow
          label="Names"
          overridden={own.legend !== undefined}
          onReset={() => onChange({ legend: undefined })}
        >
          <Choice
            label="Legend"
            value={settings.legend}
            options={LEGENDS}
            onChange={(legend) => onChange({ legend })}
          />
        </SettingRow>
      </SettingGroup>
    </>
  );
}
