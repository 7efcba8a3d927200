import { useCallback } from "react";
import { type Column, columnTitle } from "@/api/columns";
import type { MatrixColumn } from "@/api/matrix";
import type { ThemeName } from "@/charts/core/palette";
import { paretoFront, runningBest } from "@/charts/core/pareto";
import { plotAxis } from "@/charts/core/plotAxis";
import { type ScatterLayout, type ScatterModel, scatterPainter } from "@/charts/scatter";
import { useKeys } from "../cast";
import { ColorKey } from "../matrix/ColorKey";
import { colorRuns } from "../matrix/colors";
import { directionOf, useGuess } from "../matrix/guess";
import { type Picture, StagePanel } from "../matrix/StagePanel";
import { distinctColumns, placeOf, type Stage } from "../matrix/stage";
import { absentNote, exactValue, valueText } from "../matrix/values";
import type { PanelProps } from "../registry";
import type { ScatterSettings } from "./settings";

const RADIUS_LEAST = 2;
const RADIUS_MOST = 10;
/** A config key that spans more than this factor is read on a logarithmic axis. */
const LOG_FACTOR = 100;

/** Two columns of every run against each other. */
export default function ScatterPanel({ settings }: PanelProps<ScatterSettings>) {
  const keys = useKeys();
  const guess = useGuess(settings.x === null || settings.y === null);
  const x = settings.x ?? guess.configs[0] ?? null;
  const y = settings.y ?? guess.metric;
  const { color, size, xLog, yLog, front } = settings;
  const columns = distinctColumns([x, y, color, size]);
  const names = JSON.stringify(columns);
  const xBest = settings.xBest ?? directionOf(x, keys);
  const yBest = settings.yBest ?? directionOf(y, keys);
  const guessed = settings.x === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `names` stands for the columns, which are new at each render
  const picture = useCallback(
    (stage: Stage, theme: ThemeName): Picture<ScatterModel, ScatterLayout> => {
      const at = (column: Column | null) => stage.columns[placeOf(columns, column)];
      const [xColumn, yColumn] = [at(x), at(y)];
      if (!x || !y || !xColumn || !yColumn) throw new Error("a scatter plot without columns has no picture");
      const xAxis = plotAxis(xColumn, columnTitle(x), xLog || (guessed && isWide(xColumn)));
      const yAxis = plotAxis(yColumn, columnTitle(y), yLog);
      const coloring = colorRuns(stage, at(color), theme);
      const line =
        front === "pareto"
          ? paretoFront(xAxis.values, yAxis.values, xBest, yBest)
          : front === "best"
            ? runningBest(xAxis.values, yAxis.values, yBest)
            : [];
      const drawn = xAxis.values.reduce(
        (count, value, i) => count + Number(!Number.isNaN(value + (yAxis.values[i] ?? Number.NaN))),
        0,
      );
      return {
        painter: scatterPainter,
        model: {
          ids: stage.runs,
          x: xAxis,
          y: yAxis,
          colors: coloring.colors,
          radii: size ? radiiOf(at(size)) : null,
          front: line,
          frontShape: front === "best" ? "steps" : "line",
        },
        label: `${columnTitle(y)} over ${columnTitle(x)}: ${drawn} runs${line.length > 0 ? `, ${line.length} on the front` : ""}`,
        describe: (index) => ({
          title: stage.names[index] ?? "",
          color: coloring.colors[index] ?? "",
          rows: columns.map(
            (column, i) => [columnTitle(column), valueText(stage.columns[i], index)] as const,
          ),
        }),
        runOf: (index) => stage.runs[index] ?? null,
        note: absentNote([
          [columnTitle(x), xColumn],
          [columnTitle(y), yColumn],
        ]),
        legend: color && <ColorKey coloring={coloring} label={columnTitle(color)} theme={theme} />,
        table: () => ({
          columns: ["run", ...columns.map(columnTitle), ...(front === "none" ? [] : ["front"])],
          rows: stage.runs.map((_, run) => [
            stage.names[run] ?? "",
            ...stage.columns.map((column) => exactValue(column, run)),
            ...(front === "none" ? [] : [line.includes(run) ? "yes" : "no"]),
          ]),
        }),
        ...(drawn === 0 ? { empty: emptyText(x, xColumn, y, yColumn) } : {}),
      };
    },
    [names, xLog, yLog, front, xBest, yBest, guessed],
  );
  const missing = !guess.ready
    ? ""
    : !x
      ? "Choose what is on the x axis in the settings."
      : !y
        ? "Choose what is on the y axis in the settings."
        : null;
  return <StagePanel columns={columns} missing={missing} picture={picture} />;
}

function isWide({ kind, numbers }: MatrixColumn): boolean {
  if (kind !== "number") return false;
  let [low, high] = [Number.POSITIVE_INFINITY, 0];
  for (const value of numbers) {
    if (value <= 0) return false;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high / low >= LOG_FACTOR;
}

/** Areas, not radii, are what people compare. */
function radiiOf(column: MatrixColumn | undefined): Float32Array | null {
  if (!column) return null;
  const finite = column.numbers.filter(Number.isFinite);
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low || 1;
  return Float32Array.from(column.numbers, (value) =>
    Number.isFinite(value)
      ? Math.sqrt(RADIUS_LEAST ** 2 + ((value - low) / span) * (RADIUS_MOST ** 2 - RADIUS_LEAST ** 2))
      : RADIUS_LEAST,
  );
}

function emptyText(x: Column, xColumn: MatrixColumn, y: Column, yColumn: MatrixColumn): string {
  const has = ({ present }: MatrixColumn) => present.some((one) => one === 1);
  if (!has(xColumn)) return `No shown run has “${columnTitle(x)}”.`;
  if (!has(yColumn)) return `No shown run has “${columnTitle(y)}”.`;
  return "No shown run has a finite value of both.";
}
