import { useCallback } from "react";
import { columnTitle } from "@/api/columns";
import { boxStats, density, sortedFinite } from "@/charts/core/distribution";
import type { ThemeName } from "@/charts/core/palette";
import { axisDomain, plotAxis } from "@/charts/core/plotAxis";
import { type DistributionLayout, type DistributionModel, distributionPainter } from "@/charts/distribution";
import { useGuess } from "../matrix/guess";
import { type Picture, StagePanel } from "../matrix/StagePanel";
import { gather, momentsOf } from "../matrix/samples";
import { distinctColumns, placeOf, type Stage } from "../matrix/stage";
import { absentNote, valueText } from "../matrix/values";
import type { PanelProps } from "../registry";
import type { DistributionSettings } from "./settings";

/** More categories than these are lines, not boxes. */
const SAMPLES = 40;

/** How a figure is spread, by a setting. */
export default function DistributionPanel({ settings }: PanelProps<DistributionSettings>) {
  const guess = useGuess(settings.value === null);
  const value = settings.value ?? guess.metric;
  const { by, log, shape } = settings;
  const columns = distinctColumns([value, by]);
  const names = JSON.stringify(columns);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `names` stands for the columns, which are new at each render
  const picture = useCallback(
    (stage: Stage, theme: ThemeName): Picture<DistributionModel, DistributionLayout> => {
      const column = stage.columns[placeOf(columns, value)];
      if (!column || !value) throw new Error("a distribution without a value has no picture");
      const title = columnTitle(value);
      const y = plotAxis({ ...column, texts: null, kind: "number" }, title, log);
      const all = gather(stage, stage.columns[placeOf(columns, by)], theme);
      const groups = all.slice(0, SAMPLES);
      const sampleOf = new Int32Array(stage.runs.length).fill(-1);
      const colors = new Array<string>(stage.runs.length).fill("");
      const samples = groups.map(({ label, color, runs }, place) => {
        for (const run of runs) {
          sampleOf[run] = place;
          colors[run] = color;
        }
        const sorted = sortedFinite(runs.map((run) => y.values[run] ?? Number.NaN));
        return {
          label,
          color,
          stats: boxStats(sorted),
          density: shape === "violin" ? density(sorted) : null,
        };
      });
      const drawn = samples.reduce((sum, { stats }) => sum + (stats?.n ?? 0), 0);
      return {
        painter: distributionPainter,
        model: { ids: stage.runs, shape, y, domain: axisDomain(y), samples, sampleOf, colors },
        label: `${title}${by ? ` by ${columnTitle(by)}` : ""}: ${samples.length} ${shape === "box" ? "boxes" : "violins"} over ${drawn} runs`,
        describe: (index) => ({
          title: stage.names[index] ?? "",
          color: colors[index] ?? "",
          rows: columns.map((one, i) => [columnTitle(one), valueText(stage.columns[i], index)] as const),
        }),
        runOf: (index) => stage.runs[index] ?? null,
        note: [
          absentNote([[title, column]]),
          all.length > SAMPLES ? `the first ${SAMPLES} of ${all.length} values` : "",
        ]
          .filter(Boolean)
          .join(", "),
        table: () => ({
          columns: [
            by ? columnTitle(by) : "",
            "n",
            "mean",
            "std (n − 1)",
            "low",
            "q1",
            "median",
            "q3",
            "high",
            "outliers",
          ],
          rows: samples.map(({ label, stats }, place) => {
            const runs = groups[place]?.runs ?? [];
            const { mean, std } = momentsOf(
              runs.map((run) => y.values[run] ?? Number.NaN).filter(Number.isFinite),
            );
            return stats
              ? [
                  label,
                  stats.n,
                  mean,
                  std,
                  stats.low,
                  stats.q1,
                  stats.median,
                  stats.q3,
                  stats.high,
                  stats.outliers.length,
                ]
              : [label, 0, null, null, null, null, null, null, null, null];
          }),
        }),
        ...(drawn === 0 ? { empty: `No shown run has a finite “${title}”.` } : {}),
      };
    },
    [names, log, shape],
  );
  const missing = !guess.ready ? "" : value ? null : "Choose a value in the settings.";
  return <StagePanel columns={columns} missing={missing} picture={picture} />;
}
