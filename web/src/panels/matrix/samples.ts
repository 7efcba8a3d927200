import type { MatrixColumn } from "@/api/matrix";
import { slotColor, type ThemeName } from "@/charts/core/palette";
import { formatNumber } from "@/ui/humanize";
import type { Stage } from "./stage";

/** Runs that share a value of a column. */
export interface Members {
  label: string;
  color: string;
  /** Places in the stage. */
  runs: readonly number[];
}

const natural = new Intl.Collator("en", { numeric: true });

/** Runs by a column, in natural order, those without a value last; all together where it is undefined. */
export function gather(stage: Stage, by: MatrixColumn | undefined, theme: ThemeName): Members[] {
  if (!by) {
    return [{ label: "all runs", color: slotColor(0, theme), runs: stage.runs.map((_, i) => i) }];
  }
  const found = new Map<string, number[]>();
  const missing: number[] = [];
  stage.runs.forEach((_, i) => {
    if (by.present[i] !== 1) {
      missing.push(i);
      return;
    }
    const label = by.texts ? (by.texts[i] ?? "") : formatNumber(by.numbers[i] ?? Number.NaN);
    const members = found.get(label);
    if (members) members.push(i);
    else found.set(label, [i]);
  });
  const sorted = [...found].sort(([a, first], [b, second]) =>
    by.texts ? natural.compare(a, b) : (by.numbers[first[0] ?? 0] ?? 0) - (by.numbers[second[0] ?? 0] ?? 0),
  );
  const members = sorted.map(([label, runs], slot) => ({ label, color: slotColor(slot, theme), runs }));
  if (missing.length > 0)
    members.push({ label: "not set", color: slotColor(sorted.length, theme), runs: missing });
  return members;
}

/** The finite values of some runs. */
export function finiteOf(column: MatrixColumn, runs: readonly number[]): number[] {
  return runs.map((run) => column.numbers[run] ?? Number.NaN).filter(Number.isFinite);
}

export interface Moments {
  n: number;
  mean: number;
  /** With n − 1; 0 for a single value. */
  std: number;
}

export function momentsOf(values: readonly number[]): Moments {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value / n, 0);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean: n > 0 ? mean : Number.NaN, std: n > 1 ? Math.sqrt(squares / (n - 1)) : 0 };
}
