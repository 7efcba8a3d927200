// A chart as a figure of a paper: what is drawn, without pixels. Each way to save one makes its own picture of it.

import { at } from "@/charts/core/columns";
import { xExtent, yExtent } from "@/charts/core/extent";
import type { Axis, ChartModel } from "@/charts/core/model";
import { SLOTS, slotColor } from "@/charts/core/palette";

export interface FigureLine {
  readonly label: string;
  /** `#rrggbb`. */
  readonly color: string;
  /** Lengths of dashes and gaps in CSS pixels; empty = solid. */
  readonly dash: readonly number[];
  readonly x: readonly number[];
  /** NaN where there is no finite value: a gap. */
  readonly y: readonly number[];
  /** Lowest and highest value at each x; null = no band. */
  readonly low: readonly number[] | null;
  readonly high: readonly number[] | null;
  /** Stands behind the others and has no name of its own. */
  readonly faint: boolean;
}

export interface Figure {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly axis: Axis;
  readonly unit: string | null;
  readonly xLog: boolean;
  readonly yLog: boolean;
  readonly xRange: readonly [number, number];
  readonly yRange: readonly [number, number];
  readonly lines: readonly FigureLine[];
}

/** Points of a typesetter in a millimetre of paper. */
export const POINTS_PER_MM = 72 / 25.4;

/** The size of a figure on paper. */
export interface Paper {
  /** Width in millimetres; a column of most journals is 84. */
  readonly width_mm: number;
  readonly height_mm: number;
  /** Font size in points, as in the text around it. */
  readonly font_pt: number;
  readonly legend: boolean;
}

const AXIS_LABELS: Readonly<Record<string, string>> = {
  step: "step",
  relative: "time since start (s)",
  wall: "time",
};

/** Paper is light, whatever the page is: colours of the dark theme → those of the light one. */
const ON_PAPER: ReadonlyMap<string, string> = new Map(
  Array.from({ length: SLOTS }, (_, slot) => [slotColor(slot, "dark"), slotColor(slot, "light")]),
);

/** The figure that a chart shows: the same points, in the same ranges. */
export function figureOf(title: string, model: ChartModel): Figure {
  return {
    title,
    xLabel: AXIS_LABELS[model.axis] ?? model.axis.replace(/^metric:/, ""),
    yLabel: model.unit ? `${title} (${model.unit})` : title,
    axis: model.axis,
    unit: model.unit,
    xLog: model.xLog,
    yLog: model.yLog,
    xRange: xExtent(model),
    yRange: yExtent(model).range,
    lines: model.lines.map((line) => {
      const band = model.band && line.lo !== null && line.hi !== null;
      return {
        label: line.label,
        color: ON_PAPER.get(line.color) ?? line.color,
        dash: line.dash,
        x: numbers(line.x, line.x.length),
        y: numbers(line.y, line.x.length),
        low: band && line.lo ? numbers(line.lo, line.x.length) : null,
        high: band && line.hi ? numbers(line.hi, line.x.length) : null,
        faint: line.stand === "faint",
      };
    }),
  };
}

function numbers(values: ArrayLike<number>, length: number): number[] {
  return Array.from({ length }, (_, i) => at(values, i));
}

/** Whether a log axis or a gap leaves a point out. */
export function isDrawn(figure: Figure, x: number, y: number): boolean {
  return Number.isFinite(x) && Number.isFinite(y) && (!figure.xLog || x > 0) && (!figure.yLog || y > 0);
}

/** A number as short as it can be without losing anything a reader could see on paper. */
export function short(value: number): string {
  return String(Number.parseFloat(value.toPrecision(7)));
}
