import { type Column, columnName, METRIC, metricOf, RUN_FIELDS } from "@/api/columns";
import type { ColumnInfo, ColumnKind } from "@/api/matrix";
import type { Goal } from "@/api/statistics";
import type { KeyInfo, ProjectDetail } from "@/api/types";
import { idOf, type TableColumn, tableColumn } from "./tableState";

export type CatalogSection = "run" | "config" | "metric" | "summary" | "meta";

/** A column that can be shown. */
export interface CatalogEntry {
  column: Column;
  spark: boolean;
  section: CatalogSection;
  kind: ColumnKind;
  /** How much it varies over the runs that match, 0…1; null = not known. */
  spread: number | null;
  /** Runs that have it; null = not known. */
  have: number | null;
  distinct: number | null;
}

const TEXT_FIELDS = new Set([
  "name",
  "id",
  "run_key",
  "state",
  "group",
  "job_type",
  "folder",
  "parent",
  "notes",
  "host",
  "tags",
]);
const TIME_FIELDS = new Set(["created_at", "ended_at", "last_activity_at"]);

export function kindOfField(by: string): ColumnKind {
  if (TIME_FIELDS.has(by)) return "time";
  return TEXT_FIELDS.has(by) ? "category" : by === "archived" || by === "damaged" ? "category" : "number";
}

/** All columns of a project, in the order: run, config, metrics, summary, meta. */
export function catalogOf(detail: ProjectDetail, infos: readonly ColumnInfo[]): CatalogEntry[] {
  const known = new Map(infos.map((info) => [info.by, info]));
  const entry = (column: Column, section: CatalogSection, kind: ColumnKind, spark = false): CatalogEntry => {
    const info = known.get(column.by);
    return {
      column,
      spark,
      section,
      kind: info && metricOf(column) === null ? info.kind : kind,
      spread: info?.spread ?? null,
      have: info?.runs ?? null,
      distinct: info?.distinct ?? null,
    };
  };
  const metrics = detail.keys.filter((key) => isNumeric(key) && !key.hidden);
  const configs = detail.config_keys.map(({ key, type, distinct }) => ({
    ...entry({ by: `config.${key}` }, "config", type === "int" || type === "float" ? "number" : "category"),
    distinct,
  }));
  const rest = infos.filter(({ by }) => /^(summary|meta)\./.test(by));
  return [
    ...RUN_FIELDS.map((by) => entry({ by }, "run", kindOfField(by))),
    ...configs,
    ...metrics.flatMap((info) => [
      entry({ by: METRIC + info.key, agg: bestAgg(info) }, "metric", "number"),
      entry({ by: METRIC + info.key, agg: "last" }, "metric", "number", true),
    ]),
    ...rest.map((info) =>
      entry({ by: info.by }, info.by.startsWith("summary.") ? "summary" : "meta", info.kind),
    ),
  ];
}

export function isNumeric({ kind }: KeyInfo): boolean {
  return kind === "number" || kind === "system";
}

/** The value one most likely looks at: the best, if the metric says what is good. */
export function bestAgg(info: KeyInfo): "last" | "min" | "max" {
  const goal = goalOf(info);
  return goal ?? "last";
}

export function goalOf(info: KeyInfo | undefined): Goal | null {
  if (info?.goal === "maximize") return "max";
  return info?.goal === "minimize" ? "min" : null;
}

const DEFAULT_CONFIGS = 5;
const DEFAULT_METRICS = 4;

/**
 * The columns of a table that nobody has arranged: the name, what tells the runs apart most, and a few
 * metrics, those with a goal first.
 */
export function defaultColumns(detail: ProjectDetail, infos: readonly ColumnInfo[]): TableColumn[] {
  const spreads = new Map(infos.map(({ by, spread }) => [by, spread]));
  const configs = detail.config_keys
    .filter(({ distinct }) => distinct > 1)
    .map(({ key, distinct }) => ({ by: `config.${key}`, distinct }))
    .sort((a, b) => (spreads.get(b.by) ?? 0) - (spreads.get(a.by) ?? 0) || b.distinct - a.distinct)
    .slice(0, DEFAULT_CONFIGS);
  const metrics = detail.keys.filter((info) => info.kind === "number" && !info.hidden);
  const rank = (info: KeyInfo) =>
    (goalOf(info) ? 0 : 4) +
    (/(^|\/)(val|valid|eval|test)/.test(info.key) ? 0 : 2) +
    (/loss|acc/.test(info.key) ? 0 : 1);
  const chosen = [...metrics].sort((a, b) => rank(a) - rank(b)).slice(0, DEFAULT_METRICS);
  const curve = metrics.find(({ key }) => /loss/.test(key)) ?? chosen[0];
  const columns = [
    tableColumn({ by: "name" }, { pinned: true }),
    tableColumn({ by: "state" }),
    tableColumn({ by: "created_at" }),
    tableColumn({ by: "runtime" }),
    ...configs.map(({ by }) => tableColumn({ by })),
    ...chosen.map((info) => tableColumn({ by: METRIC + info.key, agg: bestAgg(info) })),
    ...(curve ? [tableColumn({ by: METRIC + curve.key, agg: "last" }, { spark: true })] : []),
    tableColumn({ by: "tags" }),
  ];
  const seen = new Set<string>();
  return columns.filter((column) => !seen.has(idOf(column)) && seen.add(idOf(column)));
}

/** How wide a column is, before anybody pulls at it. */
export function widthOf({ column, spark, width }: TableColumn, kind: ColumnKind, roomy: boolean): number {
  if (width !== null) return width;
  if (spark) return 132;
  if (column.by === "name") return 268;
  if (column.by === "state") return 96;
  if (column.by === "notes") return 220;
  if (column.by === "tags") return 160;
  const letters = columnName(column).name.length;
  // mean ± std, or a value and its difference to the baseline, take more room than a value.
  const least = roomy && kind === "number" ? 136 : 92;
  if (kind === "number" || kind === "time") return Math.max(least, Math.min(170, letters * 7 + 36));
  return 140;
}
