import { type MediaValue, mediaCell } from "@/api/mediaValue";
import type { Cell } from "@/api/tables";
import { csvField } from "@/ui/saveText";

export function isNumeric(type: string): boolean {
  return type === "number" || type === "integer";
}

/** "vector:8" → 8; null for other types. */
export function vectorSize(type: string): number | null {
  const match = /^vector:(\d+)$/.exec(type);
  return match ? Number(match[1]) : null;
}

/** Types whose cells are media values. */
export function isMedia(type: string): boolean {
  return type.endsWith("-file") || type === "histogram" || type === "plot" || type === "graph";
}

/** A cell as a media value, if its column may hold one. */
export function mediaOf(cell: Cell, type: string): MediaValue | null {
  return isMedia(type) || type === "mixed" ? mediaCell(cell) : null;
}

/** A cell in one line of text. */
export function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "string") return cell;
  if (typeof cell === "number") return String(cell);
  if (typeof cell === "boolean") return cell ? "true" : "false";
  return JSON.stringify(cell);
}

/** Rows as CSV. A number stays a number; text that a spreadsheet would run as a formula becomes text. */
export function tableCsv(
  columns: readonly { name: string; type: string }[],
  rows: readonly (readonly Cell[])[],
): string {
  const lines = [columns.map(({ name }) => csvField(name)).join(",")];
  for (const row of rows) {
    lines.push(
      columns.map((_, i) => csvField(typeof row[i] === "number" ? row[i] : cellText(row[i]))).join(","),
    );
  }
  return `${lines.join("\n")}\n`;
}
