import { parseMoment, parseNumber, type RunRow } from "@/api/types";
import { useView } from "@/state/view";
import { formatAge, formatDuration, formatNumber } from "@/ui/humanize";
import { showValue } from "../groups";

/** The value that the list is sorted by. */
export function RunValue({ row }: { row: RunRow }) {
  const sort = useView((view) => view.sort);
  return <span className="run-value">{valueOf(row, sort.by, sort.agg)}</span>;
}

function valueOf(row: RunRow, by: string, agg: "last" | "min" | "max" | "mean" | "first"): string {
  if (by.startsWith("metric:")) {
    const value = parseNumber(row.metrics[by.slice("metric:".length)]?.[agg]);
    return value === null ? "–" : formatNumber(value);
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
