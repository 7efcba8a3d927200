import { parseMoment, parseNumber, type RunRow } from "@/api/types";
import { type Aggregate, useView } from "@/state/view";
import { formatAge, formatDuration, formatValue } from "@/ui/humanize";
import { showValue } from "../groups";

/** The value that the list is sorted by. */
export function RunValue({ row, unit }: { row: RunRow; unit: string | null }) {
  const sort = useView((view) => view.sort);
  return <span className="run-value">{sortedValue(row, sort.by, sort.agg, unit)}</span>;
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
