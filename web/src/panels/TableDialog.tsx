import { useState } from "react";
import { Dialog } from "@/ui/Dialog";
import { formatNumber } from "@/ui/humanize";
import { csvField } from "@/ui/saveText";
import type { PanelTable } from "./frame";

interface TableDialogProps {
  title: string;
  table: PanelTable;
  onClose(): void;
}

/** More rows make a page that scrolls badly; the CSV has them all. */
const ROWS = 1_000;

/** A panel in numbers, for those who cannot see it or want to copy it. */
export default function TableDialog({ title, table, onClose }: TableDialogProps) {
  const [exact, setExact] = useState(false);
  const show = (value: string | number | null) => {
    if (value === null) return "–";
    return typeof value === "number" && !exact ? formatNumber(value) : String(value);
  };
  return (
    <Dialog title={title} open onClose={onClose} size="wide">
      {/* A scrolling region must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section className="table-scroll" tabIndex={0} aria-label={`${title} as a table`}>
        <table className="data-table">
          <thead>
            <tr>
              {table.columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.slice(0, ROWS).map((row, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity of their own and never move
              <tr key={index}>
                {row.map((value, column) =>
                  column === 0 ? (
                    <th key={table.columns[column]} scope="row">
                      {show(value)}
                    </th>
                  ) : (
                    <td key={table.columns[column]}>{show(value)}</td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <footer className="table-foot">
        {table.rows.length > ROWS && <span>The first 1,000 rows; the CSV has all.</span>}
        <span className="grow" />
        <label className="check">
          <input type="checkbox" checked={exact} onChange={(event) => setExact(event.target.checked)} />
          All digits
        </label>
      </footer>
    </Dialog>
  );
}

/** A table as CSV; numbers with every digit, missing values empty. */
export function csvOfTable({ columns, rows }: PanelTable): string {
  const lines = [columns, ...rows].map((row) => row.map((value) => csvField(value ?? "")).join(","));
  return `${lines.join("\n")}\n`;
}
