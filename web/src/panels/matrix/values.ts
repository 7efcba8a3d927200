import type { MatrixColumn } from "@/api/matrix";
import { formatMoment, formatNumber } from "@/ui/humanize";

/** A run's value as people read it: a missing one and NaN are told apart. */
export function valueText(column: MatrixColumn | undefined, run: number): string {
  if (column?.present[run] !== 1) return "missing";
  if (column.texts) return column.texts[run] ?? "missing";
  const number = column.numbers[run] ?? Number.NaN;
  return column.kind === "time" ? formatMoment(number * 1000) : formatNumber(number);
}

/** A run's value for a file: exact, null where it is missing. */
export function exactValue(column: MatrixColumn | undefined, run: number): string | number | null {
  if (column?.present[run] !== 1) return null;
  if (column.texts) return column.texts[run] ?? null;
  const number = column.numbers[run] ?? Number.NaN;
  return column.kind === "time" ? new Date(number * 1000).toISOString() : number;
}

/** How many runs have no place in a picture, and why: "3 without lr, 1 NaN". "" = none. */
export function absentNote(columns: readonly (readonly [string, MatrixColumn | undefined])[]): string {
  const parts: string[] = [];
  for (const [name, column] of columns) {
    if (!column) continue;
    let [missing, nan] = [0, 0];
    column.present.forEach((present, i) => {
      if (present !== 1) missing++;
      else if (!column.texts && !Number.isFinite(column.numbers[i] ?? Number.NaN)) nan++;
    });
    if (missing > 0) parts.push(`${missing} without ${name}`);
    if (nan > 0) parts.push(`${nan} with ${name} not finite`);
  }
  return parts.join(", ");
}
