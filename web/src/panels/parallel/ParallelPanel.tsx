import { useCallback, useMemo, useState } from "react";
import { columnId, columnTitle, METRIC } from "@/api/columns";
import type { ThemeName } from "@/charts/core/palette";
import { plotAxis } from "@/charts/core/plotAxis";
import {
  type Brush,
  keptRuns,
  type ParallelAxis,
  type ParallelLayout,
  type ParallelModel,
  parallelPainter,
} from "@/charts/parallel";
import { useKeys } from "../cast";
import { ColorKey } from "../matrix/ColorKey";
import { colorRuns } from "../matrix/colors";
import { directionOf, type Guess, useGuess } from "../matrix/guess";
import { type Picture, StagePanel } from "../matrix/StagePanel";
import { distinctColumns, placeOf, type Stage } from "../matrix/stage";
import { exactValue, valueText } from "../matrix/values";
import type { PanelProps } from "../registry";
import { AxisHeads } from "./AxisHeads";
import { BrushChips } from "./BrushChips";
import type { AxisSetting, ParallelSettings } from "./settings";

const GUESSED_AXES = 6;

/** Every run as a line over several columns. */
export default function ParallelPanel({ settings, onChange }: PanelProps<ParallelSettings>) {
  const keys = useKeys();
  const guess = useGuess(settings.axes.length === 0);
  const axes = settings.axes.length > 0 ? settings.axes : guessedAxes(guess);
  const color =
    settings.color ?? [...axes].reverse().find(({ column }) => column.by.startsWith(METRIC))?.column ?? null;
  const best = settings.best ?? directionOf(color, keys);
  const columns = distinctColumns([...axes.map(({ column }) => column), color]);
  const [draft, setDraft] = useState<{ axis: number; brush: Brush | null } | null>(null);
  const [layout, setLayout] = useState<ParallelLayout | null>(null);
  const names = JSON.stringify([axes, columns]);
  const guessed = settings.axes.length === 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `names` stands for axes and columns, which are new at each render
  const picture = useCallback(
    (stage: Stage, theme: ThemeName): Picture<ParallelModel, ParallelLayout> => {
      const drawn = axes.map((axis, index) =>
        axisOf(stage, columns, axis, guessed, draft?.axis === index ? draft.brush : undefined),
      );
      const colored = stage.columns[placeOf(columns, color)];
      const coloring = colorRuns(stage, colored, theme);
      const kept = keptRuns(drawn, stage.runs.length);
      const count = kept.reduce((sum, one) => sum + one, 0);
      const top = colored && !colored.texts ? bestRun(colored.numbers, kept, best) : -1;
      const text = (axis: number, run: number) =>
        valueText(stage.columns[placeOf(columns, axes[axis]?.column ?? null)], run);
      return {
        painter: parallelPainter,
        model: { ids: stage.runs, axes: drawn, colors: coloring.colors, best: top, valueText: text },
        label: `${axes.length} axes: ${axes.map(({ column }) => columnTitle(column)).join(", ")}; ${count} of ${stage.runs.length} runs${top >= 0 ? `, best ${stage.names[top]}` : ""}`,
        describe: (index) => ({
          title: stage.names[index] ?? "",
          color: coloring.colors[index] ?? "",
          rows: columns.map(
            (column, i) => [columnTitle(column), valueText(stage.columns[i], index)] as const,
          ),
        }),
        runOf: (index) => stage.runs[index] ?? null,
        note: [
          count < stage.runs.length ? `${count} inside the brushes` : "",
          top >= 0 ? `best: ${stage.names[top]}` : "",
        ]
          .filter(Boolean)
          .join(" · "),
        legend: color && <ColorKey coloring={coloring} label={columnTitle(color)} theme={theme} />,
        table: () => ({
          columns: ["run", ...columns.map(columnTitle), "kept"],
          rows: stage.runs.map((_, run) => [
            stage.names[run] ?? "",
            ...stage.columns.map((column) => exactValue(column, run)),
            kept[run] === 1 ? "yes" : "no",
          ]),
        }),
      };
    },
    [names, color && columnId(color), best, draft, guessed],
  );

  const change = (next: readonly AxisSetting[]) => onChange({ axes: next });
  const place = useMemo(() => layout?.x ?? [], [layout]);
  const missing = !guess.ready ? "" : axes.length < 2 ? "Choose two or more columns in the settings." : null;
  return (
    <StagePanel
      columns={columns}
      missing={missing}
      picture={picture}
      onLayout={setLayout}
      className="parallel"
      below={<BrushChips axes={axes} categoriesOf={categoriesFrom(layout, axes)} onChange={change} />}
    >
      {(shown) => (
        <AxisHeads
          axes={axes}
          drawn={shown.model.axes}
          layout={layout && place.length === axes.length ? layout : null}
          onChange={change}
          onDraft={setDraft}
        />
      )}
    </StagePanel>
  );
}

function guessedAxes({ configs, metric }: Guess): AxisSetting[] {
  return [...configs.slice(0, GUESSED_AXES), ...(metric ? [metric] : [])].map((column) => ({ column }));
}

/** A guessed axis that spans more than this factor is logarithmic. */
const LOG_FACTOR = 100;

function axisOf(
  stage: Stage,
  columns: Parameters<typeof placeOf>[0],
  { column, flipped = false, log = false, range }: AxisSetting,
  guessed: boolean,
  draft: Brush | null | undefined,
): ParallelAxis {
  const source = stage.columns[placeOf(columns, column)];
  const present = source?.present ?? new Uint8Array(stage.runs.length);
  const plain = {
    kind: "number",
    numbers: new Float64Array(stage.runs.length).fill(Number.NaN),
    texts: null,
  } as const;
  const axis = plotAxis(
    source ?? plain,
    columnTitle(column),
    log || (guessed && spansDecades(source?.numbers)),
  );
  const ends = range?.map((end) => (typeof end === "number" ? end : axis.categories.indexOf(end)));
  const [from = 0, to = 0] = ends ?? [];
  // A category's brush reaches around its place.
  const half = axis.kind === "category" ? 0.5 : 0;
  const kept: Brush | null = ends ? [Math.min(from, to) - half, Math.max(from, to) + half] : null;
  return { ...axis, id: columnId(column), flipped, present, brush: draft === undefined ? kept : draft };
}

function spansDecades(numbers: Float64Array | undefined): boolean {
  let [low, high] = [Number.POSITIVE_INFINITY, 0];
  for (const value of numbers ?? []) {
    if (Number.isNaN(value)) continue;
    if (value <= 0) return false;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high / low >= LOG_FACTOR;
}

function bestRun(values: Float64Array, kept: Uint8Array, best: "min" | "max"): number {
  let found = -1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    if (kept[i] !== 1 || !Number.isFinite(value)) continue;
    const held = values[found] ?? Number.NaN;
    if (found < 0 || (best === "min" ? value < held : value > held)) found = i;
  }
  return found;
}

function categoriesFrom(layout: ParallelLayout | null, axes: readonly AxisSetting[]) {
  return (id: string): readonly string[] => {
    const index = axes.findIndex(({ column }) => columnId(column) === id);
    return layout?.axes[index]?.categories ?? [];
  };
}
