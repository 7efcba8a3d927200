import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Column, columnId } from "@/api/columns";
import { useSelection } from "../cast";
import { useSource } from "../source";

/** One value per run. */
export interface RunValues {
  kind: "number" | "category";
  /** NaN where there is no number. */
  number(run: string): number;
  /** null where there is nothing. */
  text(run: string): string | null;
}

/** A value of every run that matches; null until it is here. */
export function useRunValues(column: Column | null): { values: RunValues | null; error: Error | null } {
  const selection = useSelection();
  const source = useSource();
  const found = useQuery({
    queryKey: [...selection.key, "values", selection.query, column ? columnId(column) : null],
    queryFn: ({ signal }) => source.matrix(selection.query, column ? [column] : [], signal),
    enabled: column !== null,
  });
  const values = useMemo((): RunValues | null => {
    const data = column ? found.data?.columns[0] : undefined;
    if (!found.data || !data) return null;
    const places = new Map(found.data.runs.map((run, index) => [run, index]));
    return {
      kind: data.kind === "number" || data.kind === "time" ? "number" : "category",
      number: (run) => data.numbers[places.get(run) ?? -1] ?? Number.NaN,
      text: (run) => data.texts?.[places.get(run) ?? -1] ?? null,
    };
  }, [found.data, column]);
  return { values, error: found.error };
}
