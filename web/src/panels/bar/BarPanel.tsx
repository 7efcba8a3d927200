import { useCallback } from "react";
import { columnTitle } from "@/api/columns";
import { type Bar, type BarsLayout, type BarsModel, barsPainter } from "@/charts/bars";
import { slotColor, type ThemeName } from "@/charts/core/palette";
import { formatNumber, formatSpread } from "@/ui/humanize";
import { useGuess } from "../matrix/guess";
import { type Picture, StagePanel } from "../matrix/StagePanel";
import { finiteOf, gather, momentsOf } from "../matrix/samples";
import { distinctColumns, placeOf, type Stage } from "../matrix/stage";
import { absentNote } from "../matrix/values";
import type { PanelProps } from "../registry";
import type { BarSettings } from "./settings";

/** A panel of usual height has room for about these. */
const BARS_SHOWN = 12;

interface Entry {
  id: string;
  bar: Bar;
  n: number;
  std: number;
}

/** A figure of every run, or of groups, as bars. */
export default function BarPanel({ settings }: PanelProps<BarSettings>) {
  const guess = useGuess(settings.value === null);
  const value = settings.value ?? guess.metric;
  const { by, order } = settings;
  const columns = distinctColumns([value, by]);
  const names = JSON.stringify(columns);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `names` stands for the columns, which are new at each render
  const picture = useCallback(
    (stage: Stage, theme: ThemeName): Picture<BarsModel, BarsLayout> => {
      const column = stage.columns[placeOf(columns, value)];
      if (!column || !value) throw new Error("bars without a value have no picture");
      const title = columnTitle(value);
      const grouping = stage.columns[placeOf(columns, by)];
      const entries: Entry[] = grouping
        ? gather(stage, grouping, theme).map(({ label, color, runs }) => {
            const { n, mean, std } = momentsOf(finiteOf(column, runs));
            const spread = formatSpread(mean, std);
            const text = spread.deviation === null ? spread.mean : `${spread.mean} ± ${spread.deviation}`;
            return {
              id: `group:${label}`,
              n,
              std,
              bar: { label, color, value: mean, low: mean - std, high: mean + std, text },
            };
          })
        : stage.runs.map((id, i) => {
            const number = column.numbers[i] ?? Number.NaN;
            const color = slotColor(stage.slots[i] ?? 0, theme);
            const bar = {
              label: stage.names[i] ?? "",
              color,
              value: number,
              low: number,
              high: number,
              text: formatNumber(number),
            };
            return { id, n: 1, std: 0, bar };
          });
      const shown = entries.filter(({ bar }) => Number.isFinite(bar.value)).sort(comparer(order));
      return {
        painter: barsPainter,
        model: { ids: shown.map(({ id }) => id), bars: shown.map(({ bar }) => bar), label: title },
        label: `${title}: ${shown.length} bars, from ${shown[0]?.bar.text ?? ""} to ${shown.at(-1)?.bar.text ?? ""}`,
        describe: (index) => {
          const entry = shown[index];
          return {
            title: entry?.bar.label ?? "",
            color: entry?.bar.color ?? "",
            rows: [
              [title, entry?.bar.text ?? ""],
              ...(grouping ? [["runs", String(entry?.n ?? 0)] as const] : []),
            ],
          };
        },
        runOf: (index) => (grouping ? null : (shown[index]?.id ?? null)),
        note: [
          shown.length > BARS_SHOWN ? "those with room are drawn, the table has all" : "",
          absentNote([[title, column]]),
        ]
          .filter(Boolean)
          .join(" · "),
        table: () => ({
          columns: grouping
            ? [by ? columnTitle(by) : "", `mean ${title}`, "std (n − 1)", "n"]
            : ["run", title],
          rows: shown.map(({ bar, std, n }) =>
            grouping ? [bar.label, bar.value, std, n] : [bar.label, bar.value],
          ),
        }),
        ...(shown.length === 0 ? { empty: `No shown run has a finite “${title}”.` } : {}),
      };
    },
    [names, order],
  );
  const missing = !guess.ready ? "" : value ? null : "Choose a value in the settings.";
  return <StagePanel columns={columns} missing={missing} picture={picture} />;
}

function comparer(order: BarSettings["order"]): (a: Entry, b: Entry) => number {
  if (order === "name") return (a, b) => a.bar.label.localeCompare(b.bar.label, "en", { numeric: true });
  return (a, b) => (order === "high" ? b.bar.value - a.bar.value : a.bar.value - b.bar.value);
}
