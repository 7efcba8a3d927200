import type { Series } from "@/api/frames";
import { at } from "@/charts/core/columns";
import type { Axis, Line } from "@/charts/core/model";
import { formatX } from "@/charts/tooltip";
import { Dialog } from "@/ui/Dialog";
import { formatCount, formatValue } from "@/ui/humanize";
import { csvField } from "@/ui/saveText";

interface PanelTableProps {
  open: boolean;
  onClose(): void;
  title: string;
  axis: Axis;
  unit: string | null;
  lines: readonly Line[];
  series: ReadonlyMap<string, Series>;
}

/** The chart in numbers, for those who cannot see it or want to copy it. */
export function PanelTable({ open, onClose, title, axis, unit, lines, series }: PanelTableProps) {
  return (
    <Dialog title={title} open={open} onClose={onClose} size="wide">
      {/* A scrolling region must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section className="table-scroll" tabIndex={0} aria-label={`${title} as a table`}>
        <table className="data-table">
          <thead>
            <tr>
              <th scope="col">Line</th>
              <th scope="col">Points</th>
              <th scope="col">First</th>
              <th scope="col">Last</th>
              <th scope="col">At</th>
              <th scope="col">Lowest</th>
              <th scope="col">Highest</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => {
              const points = series.get(line.id);
              if (!points) return null;
              const { first, last, low, high } = summarize(points);
              return (
                <tr key={line.id}>
                  <th scope="row">{line.label}</th>
                  <td>{formatCount(points.total)}</td>
                  <td>{formatValue(first, unit)}</td>
                  <td>{formatValue(last, unit)}</td>
                  <td>{formatX(axis, at(points.x, points.x.length - 1))}</td>
                  <td>{formatValue(low, unit)}</td>
                  <td>{formatValue(high, unit)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </Dialog>
  );
}

function summarize(points: Series): { first: number; last: number; low: number; high: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const n = points.x.length;
  for (let i = 0; i < n; i++) {
    const bottom = at(points.lo ?? points.y, i);
    const top = at(points.hi ?? points.y, i);
    if (bottom < low) low = bottom;
    if (top > high) high = top;
  }
  return { first: at(points.y, 0), last: at(points.y, n - 1), low, high };
}

/** The drawn points as rows `line,x,value,lowest,highest`. */
export function csvOf(lines: readonly Line[], axis: Axis): string {
  const rows = [["line", axis, "value", "lowest", "highest"].map(csvField).join(",")];
  for (const line of lines) {
    const values = line.raw ?? line.y;
    for (let i = 0; i < line.x.length; i++) {
      const value = at(values, i);
      const cells = [
        line.label,
        at(line.x, i),
        value,
        line.lo ? at(line.lo, i) : value,
        line.hi ? at(line.hi, i) : value,
      ];
      rows.push(cells.map(csvField).join(","));
    }
  }
  return `${rows.join("\n")}\n`;
}
