import { parseMoment, parseNumber, type RunRow } from "@/api/types";
import { deltaOf } from "@/charts/tooltip";
import { type Aggregate, useView } from "@/state/view";
import { formatAge, formatDuration, formatValue } from "@/ui/humanize";
import { showValue } from "../groups";

interface RunValueProps {
  row: RunRow;
  unit: string | null;
  baseline: RunRow | null;
  goal: "minimize" | "maximize" | null;
}

/** The value that the list is sorted by, and how it differs from the baseline's. */
export function RunValue({ row, unit, baseline, goal }: RunValueProps) {
  const sort = useView((view) => view.sort);
  const delta = baseline && baseline !== row ? deltaFrom(baseline, row, sort.by, sort.agg, goal) : null;
  return (
    <span className="run-value">
      {delta && (
        <small className={delta.good === null ? "" : delta.good ? "good" : "worse"}>{delta.text}</small>
      )}
      {sortedValue(row, sort.by, sort.agg, unit)}
    </span>
  );
}

function deltaFrom(base: RunRow, row: RunRow, by: string, agg: Aggregate, goal: RunValueProps["goal"]) {
  if (!by.startsWith("metric:")) return null;
  const key = by.slice("metric:".length);
  const [value, other] = [row, base].map((one) => parseNumber(one.metrics[key]?.[agg]));
  return typeof value === "number" && typeof other === "number" ? deltaOf(value, other, goal) : null;
}

function sortedValue(row: RunRow, by: string, agg: Aggregate, unit: string | null): string {
  if (by.startsWith("metric:")) {
    const value = parseNumber(row.metrics[by.slice("metric:".length)]?.[agg]);
    return value === null ? "–" : formatValue(value, unit);
  }
  if (by.startsWith("config.")) {
    const value = row.config[by.slice("config.".length)];
    return value === undefined ? "–" : showValue(value);
  }
  if (by === "runtime") return formatDuration(row.runtime_s);
  if (by === "state") return row.state;
  const created = parseMoment(row.created_at);
  return created === null ? "–" : formatAge(created, Date.now());
}
