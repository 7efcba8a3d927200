import { ListFilter, X } from "lucide-react";
import { columnTitle } from "@/api/columns";
import { joinFilters } from "@/api/filterText";
import { changeView, getView } from "@/state/view";
import { formatNumber } from "@/ui/humanize";
import { type AxisSetting, brushFilter } from "./settings";

interface BrushChipsProps {
  axes: readonly AxisSetting[];
  categoriesOf(id: string): readonly string[];
  onChange(axes: readonly AxisSetting[]): void;
}

/** What the brushes keep, in words; and the same as a filter of all runs of the page. */
export function BrushChips({ axes, categoriesOf, onChange }: BrushChipsProps) {
  if (!axes.some(({ range }) => range)) return null;
  const filter = brushFilter(axes, categoriesOf);
  const clear = (of: AxisSetting | null) =>
    onChange(
      axes.map((axis) => {
        if (of && axis !== of) return axis;
        const { range: _, ...rest } = axis;
        return rest;
      }),
    );
  return (
    <span className="chips brush-chips">
      {axes.map(
        (axis) =>
          axis.range && (
            <button
              type="button"
              key={columnTitle(axis.column)}
              className="chip on"
              aria-label={`Clear the brush of ${columnTitle(axis.column)}`}
              onClick={() => clear(axis)}
            >
              <span className="chip-text">
                {columnTitle(axis.column)} {rangeText(axis.range)}
              </span>
              <X size={12} />
            </button>
          ),
      )}
      {filter && (
        <button
          type="button"
          className="chip"
          title={filter}
          onClick={() => {
            changeView({ filter: joinFilters(getView().filter, filter) });
            clear(null);
          }}
        >
          <ListFilter size={12} />
          Filter by this
        </button>
      )}
    </span>
  );
}

function rangeText([low, high]: NonNullable<AxisSetting["range"]>): string {
  if (typeof low === "number") return `${formatNumber(low)} – ${formatNumber(Number(high))}`;
  return low === high ? low : `${low} … ${high}`;
}
