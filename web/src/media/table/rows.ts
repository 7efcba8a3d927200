import { queryOptions } from "@tanstack/react-query";
import type { TableValue } from "@/api/mediaValue";
import type { Cell } from "@/api/tables";
import { parseNumber } from "@/api/types";
import type { TableReader } from "./useTablePages";

const PAGE = 1000;
/** A chart of more rows than this says less than one of a sample of them. */
export const CHART_ROWS = 10_000;

/** The first rows of a table as objects by column, for charts that are drawn from a table. */
export function tableRows(reader: TableReader, runKey: string, table: TableValue | null) {
  return queryOptions({
    queryKey: ["table-rows", runKey, table?.sha256, reader.id],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const rows: Record<string, unknown>[] = [];
      if (!table) return rows;
      for (let offset = 0; offset < Math.min(table.nrows, CHART_ROWS); offset += PAGE) {
        const page = await reader.read(runKey, { sha256: table.sha256, offset, limit: PAGE }, signal);
        const columns = page.columns.map(({ name, type }) => ({ name, type }));
        for (const row of page.rows) {
          rows.push(Object.fromEntries(columns.map(({ name, type }, i) => [name, cellValue(row[i], type)])));
        }
        if (page.rows.length === 0) break;
      }
      return rows;
    },
  });
}

/** A cell as what it means: in a column of numbers "NaN" is one. */
export function cellValue(cell: Cell, type: string): unknown {
  return typeof cell === "string" && (type === "number" || type === "integer") ? parseNumber(cell) : cell;
}
