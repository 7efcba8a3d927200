import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Column, columnId } from "@/api/columns";
import type { ApiError } from "@/api/error";
import type { Matrix, MatrixColumn } from "@/api/matrix";
import { type Cast, lookOf, useCast, useSelection } from "../cast";
import { useSource } from "../source";

/** The shown runs with the columns that a panel asked for. All lists have one entry per run. */
export interface Stage {
  runs: readonly string[];
  numbers: readonly number[];
  names: readonly string[];
  createdAt: readonly number[];
  /** Palette slot of each run: its own, or that of its group. */
  slots: readonly number[];
  columns: readonly MatrixColumn[];
  /** Runs that match but are not here, because there are too many. */
  left: number;
}

export interface StageState {
  stage: Stage | null;
  error: ApiError | null;
}

/** Fetches columns of all runs that match while *visible*, and keeps those whose eye is open. */
export function useStage(columns: readonly Column[], visible: boolean): StageState {
  const selection = useSelection();
  const source = useSource();
  const cast = useCast();
  const ids = JSON.stringify(columns.map(columnId));
  const found = useQuery({
    queryKey: [...selection.key, "matrix", selection.query, columns],
    queryFn: ({ signal }) => source.matrix(selection.query, columns, signal),
    enabled: visible && columns.length > 0,
    // The former runs may stand in for the new ones, but never the values of another column.
    placeholderData: (former, query) =>
      JSON.stringify((query?.queryKey.at(-1) as Column[] | undefined)?.map(columnId)) === ids
        ? former
        : undefined,
    staleTime: 2_000,
    retry: false,
  });
  const { shows } = selection;
  const stage = useMemo(
    () => (found.data ? stageOf(found.data, cast, shows) : null),
    [found.data, cast, shows],
  );
  return { stage, error: found.error as ApiError | null };
}

/** The runs that are shown, with the look they have in every chart. */
export function stageOf(matrix: Matrix, cast: Cast, shows: (number: number) => boolean): Stage {
  const kept: number[] = [];
  matrix.numbers.forEach((number, i) => {
    if (shows(number)) kept.push(i);
  });
  const pick = <Value>(values: readonly Value[]): Value[] => kept.map((i) => values[i] as Value);
  return {
    runs: pick(matrix.runs),
    numbers: pick(matrix.numbers),
    names: pick(matrix.names),
    createdAt: pick(matrix.createdAt),
    slots: kept.map((i) => lookOf(cast, matrix.runs[i] ?? "", matrix.numbers[i] ?? 0).slot),
    columns: matrix.columns.map((column) => ({
      kind: column.kind,
      numbers: Float64Array.from(kept, (i) => column.numbers[i] ?? Number.NaN),
      present: Uint8Array.from(kept, (i) => column.present[i] ?? 0),
      texts: column.texts && pick(column.texts),
    })),
    left: Math.max(0, matrix.match - matrix.runs.length),
  };
}

/** A column's place in a stage; -1 where it was not asked for. */
export function placeOf(columns: readonly Column[], column: Column | null): number {
  if (!column) return -1;
  const id = columnId(column);
  return columns.findIndex((other) => columnId(other) === id);
}

/** Columns without repetition, those that are null left out. */
export function distinctColumns(columns: readonly (Column | null)[]): Column[] {
  const found = new Map<string, Column>();
  for (const column of columns) if (column) found.set(columnId(column), column);
  return [...found.values()];
}
