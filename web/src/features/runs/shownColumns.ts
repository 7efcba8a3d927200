import type { ColumnKind } from "@/api/matrix";
import type { Goal } from "@/api/statistics";
import type { KeyInfo } from "@/api/types";
import { widthOf } from "./catalog";
import { idOf, type TableColumn } from "./tableState";

export const HEAD_PX = 44;
const TOUCH_PINNED_PX = 190;

export interface ShownColumn extends TableColumn {
  id: string;
  kind: ColumnKind;
  unit: string | null;
  goal: Goal | null;
  /** The metric that it is of; null for all else. */
  info: KeyInfo | null;
  width: number;
  /** Place in the `values` of a row; -1 for curves. */
  place: number;
  /** Place among the columns that are not pinned. */
  order: number;
}

/** Columns with all that their cells need. */
export function showColumns(
  columns: readonly TableColumn[],
  roomy: boolean,
  about: (column: TableColumn) => Pick<ShownColumn, "kind" | "unit" | "goal" | "info">,
): ShownColumn[] {
  let place = 0;
  return columns
    .filter(({ hidden }) => !hidden)
    .map((column) => {
      const { kind, unit, goal, info } = about(column);
      return {
        ...column,
        id: idOf(column),
        kind,
        unit,
        goal,
        info,
        width: widthOf(column, kind, roomy),
        place: column.spark ? -1 : place++,
        order: -1,
      };
    });
}

/** What people say about a run, as against what its training recorded. */
export function isEditable({ column, spark }: Pick<TableColumn, "column" | "spark">): boolean {
  return !spark && ["name", "notes", "tags", "group", "folder"].includes(column.by);
}

/** Pinned columns first. On a phone the pinned ones would leave no room for others: only the name stays. */
export function arrange(columns: readonly ShownColumn[], narrow: boolean): ShownColumn[] {
  const shown = columns.map((column) =>
    narrow && column.column.by === "name" ? { ...column, width: TOUCH_PINNED_PX, pinned: true } : column,
  );
  const isPinned = (column: ShownColumn) => (narrow ? column.column.by === "name" : column.pinned);
  return [
    ...shown.filter(isPinned),
    ...shown
      .filter((column) => !isPinned(column))
      .map((column, order) => ({ ...column, pinned: false, order })),
  ];
}

/** Pinned and other columns, and where the others stand. */
export function layOut(columns: readonly ShownColumn[]) {
  const pinned = columns.filter((column) => column.pinned);
  const loose = columns.filter((column) => !column.pinned);
  const lefts: number[] = [];
  let looseWidth = 0;
  for (const { width } of loose) {
    lefts.push(looseWidth);
    looseWidth += width;
  }
  return { pinned, loose, lefts, looseWidth, pinnedWidth: pinned.reduce((sum, { width }) => sum + width, 0) };
}
