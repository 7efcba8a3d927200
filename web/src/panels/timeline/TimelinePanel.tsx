import { useCallback } from "react";
import { type Column, columnTitle } from "@/api/columns";
import type { ThemeName } from "@/charts/core/palette";
import { type PlotAxis, plotAxis } from "@/charts/core/plotAxis";
import type { ScatterLayout } from "@/charts/scatter";
import { type TimelineModel, timelinePainter } from "@/charts/timeline";
import { formatMoment, formatNumber } from "@/ui/humanize";
import { ColorKey } from "../matrix/ColorKey";
import { colorRuns } from "../matrix/colors";
import { useGuess } from "../matrix/guess";
import { type Picture, StagePanel } from "../matrix/StagePanel";
import { distinctColumns, placeOf, type Stage } from "../matrix/stage";
import { absentNote, exactValue, valueText } from "../matrix/values";
import type { PanelProps } from "../registry";
import { timelineChanges } from "./changes";
import type { TimelineSettings } from "./settings";

const COMMIT: Column = { by: "meta.git.commit" };

/** A figure of all runs over the time at which they started. */
export default function TimelinePanel({ settings }: PanelProps<TimelineSettings>) {
  const guess = useGuess(settings.y === null);
  const y = settings.y ?? guess.metric;
  const { color, log, changes: marked } = settings;
  const columns = distinctColumns([y, color, COMMIT]);
  const names = JSON.stringify(columns);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `names` stands for the columns, which are new at each render
  const picture = useCallback(
    (stage: Stage, theme: ThemeName): Picture<TimelineModel, ScatterLayout> => {
      const column = stage.columns[placeOf(columns, y)];
      if (!column || !y) throw new Error("a history without a figure has no picture");
      const title = columnTitle(y);
      const yAxis = plotAxis(column, title, log);
      const x: PlotAxis = {
        label: "started",
        kind: "time",
        log: false,
        values: Float64Array.from(stage.createdAt),
        categories: [],
      };
      const coloring = colorRuns(stage, stage.columns[placeOf(columns, color)], theme);
      const commits = stage.columns[placeOf(columns, COMMIT)]?.texts ?? [];
      const changes =
        marked && yAxis.kind === "number" ? timelineChanges(stage.createdAt, yAxis.values, commits) : [];
      const drawn = yAxis.values.reduce((sum, value) => sum + Number(!Number.isNaN(value)), 0);
      const said = changes.map(
        ({ before, after, label, x: at }) =>
          `${title} ${after > before ? "rose" : "fell"} from ${formatNumber(before)} to ${formatNumber(after)} ${label ? `at ${label}` : `on ${formatMoment(at * 1000)}`}`,
      );
      return {
        painter: timelinePainter,
        model: {
          ids: stage.runs,
          x,
          y: yAxis,
          colors: coloring.colors,
          radii: null,
          front: [],
          frontShape: "line",
          changes,
        },
        label: `${title} over time: ${drawn} runs${said.length > 0 ? `. ${said.join(". ")}` : ""}`,
        describe: (index) => ({
          title: stage.names[index] ?? "",
          color: coloring.colors[index] ?? "",
          rows: [
            ["started", formatMoment((stage.createdAt[index] ?? 0) * 1000)],
            ...columns.map(
              (one, i) =>
                [
                  one === COMMIT ? "commit" : columnTitle(one),
                  valueText(stage.columns[i], index).slice(0, 40),
                ] as const,
            ),
          ],
        }),
        runOf: (index) => stage.runs[index] ?? null,
        note: [said.at(-1) ?? "", absentNote([[title, column]])].filter(Boolean).join(" · "),
        legend: color && <ColorKey coloring={coloring} label={columnTitle(color)} theme={theme} />,
        table: () => ({
          columns: ["run", "started", ...columns.map(columnTitle)],
          rows: stage.runs.map((_, run) => [
            stage.names[run] ?? "",
            new Date((stage.createdAt[run] ?? 0) * 1000).toISOString(),
            ...stage.columns.map((one) => exactValue(one, run)),
          ]),
        }),
        ...(drawn === 0 ? { empty: `No shown run has “${title}”.` } : {}),
      };
    },
    [names, log, marked],
  );
  const missing = !guess.ready ? "" : y ? null : "Choose a figure in the settings.";
  return <StagePanel columns={columns} missing={missing} picture={picture} />;
}
