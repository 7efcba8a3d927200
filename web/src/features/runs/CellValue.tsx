import { columnName, METRIC, metricOf } from "@/api/columns";
import { valueText } from "@/api/matrix";
import type { Goal } from "@/api/statistics";
import { parseNumber, type WireNumber } from "@/api/types";
import {
  formatAge,
  formatDuration,
  formatExact,
  formatMoment,
  formatNumber,
  formatValue,
} from "@/ui/humanize";
import type { TableColumn } from "./tableState";

interface CellValueProps {
  column: TableColumn;
  value: unknown;
  unit: string | null;
  /** The baseline's value; undefined = there is no baseline, or this is it. */
  base?: unknown;
  goal: Goal | null;
}

/** One value of one run. NaN is a value and says so; a missing one is a faint dash. Both look different. */
export function CellValue({ column, value, unit, base, goal }: CellValueProps) {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0))
    return <Missing />;
  const { by } = column.column;
  if (by === "created_at" || by === "ended_at" || by === "last_activity_at") return <Age value={value} />;
  const number = asNumber(value, metricOf(column.column) !== null);
  if (number !== null) {
    if (Number.isNaN(number)) return <span className="cell-nan">NaN</span>;
    const text = by === "runtime" ? formatDuration(number) : formatValue(number, unit);
    return (
      <>
        {isMeasured(by) && <Delta value={number} base={asNumber(base, true)} goal={goal} />}
        <span
          className={`cell-number ${base !== undefined && !isMeasured(by) && base !== value ? "differs" : ""}`}
          title={formatExact(number)}
        >
          {text}
        </span>
      </>
    );
  }
  const text = valueText(value);
  const changed = base !== undefined && valueText(base) !== text;
  return (
    <span className={`cell-text ${changed ? "differs" : ""}`} title={text}>
      {text}
    </span>
  );
}

/** What a run found out, as against what it was told. */
function isMeasured(by: string): boolean {
  return by.startsWith(METRIC) || by.startsWith("summary.") || by === "runtime";
}

function Missing() {
  return (
    <span className="cell-missing">
      <span aria-hidden="true">–</span>
      <span className="visually-hidden">missing</span>
    </span>
  );
}

function Age({ value }: { value: unknown }) {
  const seconds = asNumber(value, true);
  if (seconds === null) return <Missing />;
  return (
    <time className="cell-number" title={formatMoment(seconds * 1000)}>
      {formatAge(seconds * 1000, Date.now())}
    </time>
  );
}

/** A number; texts like "NaN" are numbers only where a column holds nothing else. */
function asNumber(value: unknown, numeric: boolean): number | null {
  if (typeof value === "number") return value;
  return numeric && typeof value === "string" ? parseNumber(value as WireNumber) : null;
}

/** The difference to the baseline; its arrow says where to, its colour whether that is better. */
export function Delta({ value, base, goal }: { value: number; base: number | null; goal: Goal | null }) {
  if (base === null || !Number.isFinite(base) || !Number.isFinite(value) || value === base) return null;
  const difference = value - base;
  const better = goal === null ? null : difference > 0 === (goal === "max");
  const share = base === 0 ? null : (difference / Math.abs(base)) * 100;
  const text =
    share !== null && Math.abs(share) < 1000
      ? `${formatNumber(Number.parseFloat(Math.abs(share).toPrecision(2)))}%`
      : formatNumber(Math.abs(difference));
  const side = difference > 0 ? "▴" : "▾";
  return (
    <span
      className={`delta ${better === null ? "" : better ? "better" : "worse"}`}
      title={`${difference > 0 ? "+" : "−"}${formatNumber(Math.abs(difference))} to the baseline`}
    >
      {side}
      {text}
      {better !== null && <span className="visually-hidden">{better ? " better" : " worse"}</span>}
    </span>
  );
}

/** What a column is called, for its head and for people who only hear it. */
export function columnLabel({ column, spark }: Pick<TableColumn, "column" | "spark">): string {
  const { name, note } = columnName(column);
  return spark ? `${name} over steps` : note ? `${name} ${note}` : name;
}
