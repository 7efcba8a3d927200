import { getJson } from "./request";

/** A row as it was logged. Numbers that are not finite are the texts NaN, Infinity and -Infinity. */
export type HistoryRow = Readonly<Record<string, unknown>>;

/** Every row of a run that has one of *keys*, not thinned. */
export async function fetchHistory(runKey: string, keys: readonly string[]): Promise<readonly HistoryRow[]> {
  const reply = await getJson<{ rows: HistoryRow[] }>(`runs/${encodeURIComponent(runKey)}/history`, {
    keys: keys.join(","),
    format: "json",
  });
  return reply.rows.filter((row) => keys.some((key) => row[key] !== undefined));
}
