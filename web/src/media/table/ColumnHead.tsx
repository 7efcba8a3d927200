import { ArrowDown, ArrowUp, EyeOff, Filter, Group, MoreVertical } from "lucide-react";
import { useRef } from "react";
import type { TableColumn, TableFilter } from "@/api/tables";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";
import { isMedia, vectorSize } from "./cells";

interface ColumnHeadProps {
  column: TableColumn;
  width: number;
  sorted: "ascending" | "descending" | null;
  grouped: boolean;
  /** Null = in the order of the table. */
  onSort(desc: boolean | null): void;
  onGroup(): void;
  onHide(): void;
  onFilter(filter: TableFilter): void;
  onWidth(width: number): void;
}

const LEAST_PX = 48;

export function ColumnHead({
  column,
  width,
  sorted,
  grouped,
  onSort,
  onGroup,
  onHide,
  onFilter,
  onWidth,
}: ColumnHeadProps) {
  const drag = useRef<{ x: number; width: number } | null>(null);
  const plain = !isMedia(column.type) && vectorSize(column.type) === null;
  return (
    <span
      role="columnheader"
      className={`column-head-cell ${grouped ? "grouped" : ""}`}
      aria-sort={sorted ?? "none"}
    >
      <button
        type="button"
        className="column-name"
        title={`${column.name} (${column.type})`}
        disabled={!plain}
        onClick={() => onSort(sorted === null ? false : sorted === "ascending" ? true : null)}
      >
        <span>{column.name}</span>
        {sorted === "ascending" && <ArrowUp size={12} />}
        {sorted === "descending" && <ArrowDown size={12} />}
      </button>
      <Menu
        trigger={
          <button type="button" className="column-menu" aria-label={`Options of column ${column.name}`}>
            <MoreVertical size={13} />
          </button>
        }
      >
        {plain && (
          <>
            <MenuItem icon={<ArrowUp size={14} />} onSelect={() => onSort(false)}>
              Sort rising
            </MenuItem>
            <MenuItem icon={<ArrowDown size={14} />} onSelect={() => onSort(true)}>
              Sort falling
            </MenuItem>
            <MenuItem icon={<Group size={14} />} onSelect={onGroup}>
              {grouped ? "Do not group" : "Group by this"}
            </MenuItem>
            <MenuSeparator />
          </>
        )}
        <MenuItem
          icon={<Filter size={14} />}
          onSelect={() => onFilter({ column: column.name, op: "missing" })}
        >
          Only missing
        </MenuItem>
        <MenuItem
          icon={<Filter size={14} />}
          onSelect={() => onFilter({ column: column.name, op: "present" })}
        >
          Only present
        </MenuItem>
        <MenuItem icon={<EyeOff size={14} />} onSelect={onHide}>
          Hide
        </MenuItem>
      </Menu>
      <i
        className="column-edge"
        aria-hidden="true"
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, width };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          if (drag.current) onWidth(Math.max(LEAST_PX, drag.current.width + event.clientX - drag.current.x));
        }}
        onPointerUp={() => {
          drag.current = null;
        }}
      />
    </span>
  );
}
