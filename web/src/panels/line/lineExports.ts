import { fetchHistory } from "@/api/history";
import { at } from "@/charts/core/columns";
import { type Axis, EMPTY_MODEL, type Line } from "@/charts/core/model";
import type { LineChart } from "@/charts/line";
import { figureOf } from "@/figures/figure";
import { csvField } from "@/ui/saveText";
import type { Cast } from "../cast";
import type { PanelExports, PanelTable } from "../frame";
import { isExpression } from "./settings";
import type { SeriesMap } from "./usePoints";

interface Source {
  name: string;
  lines: readonly Line[];
  axis: Axis;
  unit: string | null;
  series: SeriesMap;
  keys: readonly string[];
  cast: Cast;
  chart: { current: LineChart | null };
  /** Whether single points can be asked for beyond those that are drawn. */
  every: boolean;
}

/** Names of more lines than this do not fit under a picture. */
const NAMED_LINES = 24;

/** What a line chart can be saved as. */
export function lineExports(source: Source): PanelExports {
  const { name, lines, axis, unit, keys, cast, chart, every } = source;
  const expressions = keys.some(isExpression);
  return {
    table: () => summaryTable(lines, axis, unit),
    csv: () => csvOf(lines, axis),
    figure: () => figureOf(name, chart.current?.model ?? EMPTY_MODEL),
    svg: () => chart.current?.toSvg(name, lines.length <= NAMED_LINES ? lines : []) ?? "",
    ...(expressions || !every ? {} : { csvAll: () => everyPoint(cast, keys) }),
  };
}

/** One row per line: how many points, where it starts, ends, and reaches. */
export function summaryTable(lines: readonly Line[], axis: Axis, unit: string | null): PanelTable {
  const value = unit ? ` (${unit})` : "";
  return {
    columns: [
      "Line",
      "Points",
      `First${value}`,
      `Last${value}`,
      `At ${axis}`,
      `Lowest${value}`,
      `Highest${value}`,
    ],
    rows: lines.map((line) => {
      const values = line.raw ?? line.y;
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      const n = line.x.length;
      for (let i = 0; i < n; i++) {
        low = Math.min(low, finite(at(line.lo ?? values, i), low));
        high = Math.max(high, finite(at(line.hi ?? values, i), high));
      }
      return [line.label, n, at(values, 0), at(values, n - 1), at(line.x, n - 1), low, high];
    }),
  };
}

function finite(value: number, otherwise: number): number {
  return Number.isNaN(value) ? otherwise : value;
}

/** The drawn points as rows `line,x,value,lowest,highest`. */
export function csvOf(lines: readonly Line[], axis: Axis): string {
  const smoothed = lines.some(({ raw }) => raw !== null);
  const head = ["line", axis, "value", "lowest", "highest", ...(smoothed ? ["smoothed"] : [])];
  const rows = [head.map(csvField).join(",")];
  for (const line of lines) {
    const values = line.raw ?? line.y;
    for (let i = 0; i < line.x.length; i++) {
      const value = at(values, i);
      const cells = [
        line.label,
        at(line.x, i),
        value,
        line.lo ? at(line.lo, i) : value,
        line.hi ? at(line.hi, i) : value,
        ...(smoothed ? [at(line.y, i)] : []),
      ];
      rows.push(cells.map(csvField).join(","));
    }
  }
  return `${rows.join("\n")}\n`;
}

/** Every logged point of the shown runs, one row per run and step. */
async function everyPoint(cast: Cast, keys: readonly string[]): Promise<string> {
  const rows = [["run", "run_key", "step", "time", ...keys].map(csvField).join(",")];
  for (const { key, label } of cast.runs) {
    for (const row of await fetchHistory(key, keys)) {
      const cells = [label, key, row._step, row._timestamp, ...keys.map((name) => row[name])];
      rows.push(cells.map((cell) => csvField(cellOf(cell))).join(","));
    }
  }
  return `${rows.join("\n")}\n`;
}

function cellOf(value: unknown): string | number {
  if (typeof value === "number" || typeof value === "string") return value;
  return value === null || value === undefined ? "" : JSON.stringify(value);
}
