import type { ReactNode } from "react";
import {
  type Center,
  type ChartSettings,
  columnOf,
  columnSetting,
  type Ranks,
  SMOOTHING_KINDS,
  type Spread,
} from "@/state/settings";
import { Choice } from "@/ui/Choice";
import { Slider } from "@/ui/Slider";
import { AxisField } from "../settings/AxisField";
import { ColumnField, Switch } from "../settings/fields";
import { SettingGroup, SettingRow } from "../settings/SettingRow";

export type ChartChange = { readonly [Name in keyof ChartSettings]?: ChartSettings[Name] | undefined };

interface ChartRowsProps {
  settings: ChartSettings;
  /** What is set at this level; the rest is inherited. */
  own: Partial<ChartSettings>;
  onChange(change: ChartChange): void;
  /** Rows that belong to the axes and exist at this level only. */
  axes?: ReactNode;
}

const SMOOTHINGS: readonly (readonly [ChartSettings["smoothingKind"], string])[] = [
  ["time", "Time-weighted EMA"],
  ["ema", "EMA"],
  ["gaussian", "Gaussian"],
  ["average", "Running average"],
];
const CENTER_NAMES: readonly (readonly [Center, string])[] = [
  ["mean", "mean"],
  ["median", "median"],
  ["iqm", "interquartile mean"],
];
const SPREAD_NAMES: readonly (readonly [Spread, string])[] = [
  ["std", "± standard deviation"],
  ["stderr", "± standard error"],
  ["minmax", "min – max"],
  ["iqr", "25 % – 75 %"],
  ["ci", "confidence interval"],
  ["none", "none"],
];
const RANK_NAMES: readonly (readonly [Ranks, string])[] = [
  ["main", "rank 0 alone"],
  ["band", "band over all"],
];
const CONFIDENCES = [
  ["0.9", "90 %"],
  ["0.95", "95 %"],
  ["0.99", "99 %"],
] as const;

const HINTS: Readonly<Record<ChartSettings["smoothingKind"], string>> = {
  time: "Follows distance on the axis: the same curve however many points there are.",
  ema: "The classic one, point by point; depends on how often was logged.",
  gaussian: "Looks both ways; no lag, and no end effects of its own.",
  average: "Mean of a window that looks both ways.",
};

/** The settings that charts share: the same rows for a panel, a section and the workspace. */
export function ChartRows({ settings, own, onChange, axes }: ChartRowsProps) {
  const row = (name: keyof ChartSettings) => ({
    overridden: own[name] !== undefined,
    onReset: () => onChange({ [name]: undefined }),
  });
  const confidence = CONFIDENCES.find(([value]) => Number(value) === settings.confidence)?.[0] ?? "0.95";
  return (
    <>
      <SettingGroup title="Axes">
        <SettingRow label="X axis" {...row("axis")}>
          <AxisField value={settings.axis} onChange={(axis) => onChange({ axis })} />
        </SettingRow>
        <SettingRow label="Log x" {...row("xLog")}>
          <Switch label="Log x" checked={settings.xLog} onChange={(xLog) => onChange({ xLog })} />
        </SettingRow>
        <SettingRow label="Log y" {...row("yLog")}>
          <Switch label="Log y" checked={settings.yLog} onChange={(yLog) => onChange({ yLog })} />
        </SettingRow>
        {axes}
        <SettingRow label="Fit diverged lines" {...row("fit")}>
          <Switch label="Fit diverged lines" checked={settings.fit} onChange={(fit) => onChange({ fit })} />
        </SettingRow>
      </SettingGroup>
      <SettingGroup title="Smoothing">
        <SettingRow label="Amount" {...row("smoothing")}>
          <Slider
            label="Smoothing"
            value={settings.smoothing}
            max={0.99}
            step={0.01}
            onChange={(smoothing) => onChange({ smoothing })}
          />
          <output>{settings.smoothing.toFixed(2)}</output>
        </SettingRow>
        <SettingRow label="Kind" note={HINTS[settings.smoothingKind]} {...row("smoothingKind")}>
          <Choice
            label="Kind of smoothing"
            value={settings.smoothingKind}
            options={SMOOTHINGS.filter(([kind]) => SMOOTHING_KINDS.includes(kind))}
            onChange={(smoothingKind) => onChange({ smoothingKind })}
          />
        </SettingRow>
        <SettingRow label="Min–max of points" {...row("band")}>
          <Switch label="Min–max of points" checked={settings.band} onChange={(band) => onChange({ band })} />
        </SettingRow>
      </SettingGroup>
      <SettingGroup title="Groups">
        <SettingRow label="Line" {...row("center")}>
          <Choice
            label="Line of a group"
            value={settings.center}
            options={CENTER_NAMES}
            onChange={(center) => onChange({ center })}
          />
        </SettingRow>
        <SettingRow label="Band" {...row("spread")}>
          <Choice
            label="Band of a group"
            value={settings.spread}
            options={SPREAD_NAMES}
            onChange={(spread) => onChange({ spread })}
          />
        </SettingRow>
        {settings.spread === "ci" && (
          <SettingRow
            label="Confidence"
            note="Bootstrap over all runs of the group, computed by the server."
            {...row("confidence")}
          >
            <Choice
              label="Confidence"
              value={confidence}
              options={CONFIDENCES}
              onChange={(value) => onChange({ confidence: Number(value) })}
            />
          </SettingRow>
        )}
        <SettingRow label="Single runs faint" {...row("faint")}>
          <Switch
            label="Single runs faint"
            checked={settings.faint}
            onChange={(faint) => onChange({ faint })}
          />
        </SettingRow>
      </SettingGroup>
      <SettingGroup title="Lines">
        <SettingRow label="Colour by" {...row("colorBy")}>
          <ColumnField
            label="Colour by"
            value={columnOf(settings.colorBy)}
            none="the run"
            onChange={(column) => onChange({ colorBy: columnSetting(column) })}
          />
        </SettingRow>
        <SettingRow label="Ranks" note="Of runs that several processes write." {...row("ranks")}>
          <Choice
            label="Ranks"
            value={settings.ranks}
            options={RANK_NAMES}
            onChange={(ranks) => onChange({ ranks })}
          />
        </SettingRow>
        <SettingRow label="Style by" {...row("dashBy")}>
          <ColumnField
            label="Style by"
            value={columnOf(settings.dashBy)}
            none="the run"
            onChange={(column) => onChange({ dashBy: columnSetting(column) })}
          />
        </SettingRow>
      </SettingGroup>
    </>
  );
}
