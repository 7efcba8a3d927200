import {
  ArrowDown,
  ArrowLeft,
  ArrowRight,
  ArrowUp,
  EyeOff,
  GripVertical,
  Group,
  Minus,
  MoreVertical,
  Pin,
  PinOff,
  Plus,
} from "lucide-react";
import { type PointerEvent, useRef, useState } from "react";
import { columnName, metricOf } from "@/api/columns";
import type { Goal } from "@/api/statistics";
import { AGGREGATES, changeView, getView, useView } from "@/state/view";
import { Menu, MenuCheck, MenuItem, MenuSeparator } from "@/ui/Menu";
import { columnLabel } from "./CellValue";
import { ALL_MARKED, type Marks, NO_MARKS } from "./marks";
import { HEAD_PX, type ShownColumn } from "./shownColumns";
import { boundWidth, changeTable, idOf, moveColumn, type TableColumn, useTable } from "./tableState";

interface HeadRowProps {
  pinned: readonly ShownColumn[];
  loose: readonly { column: ShownColumn; left: number }[];
  all: readonly ShownColumn[];
  pinnedWidth: number;
  looseWidth: number;
  marks: Marks;
  onMarks(marks: Marks): void;
}

/** The heads of the columns: sorting by click, order by drag, width by their right edge, the rest in a menu. */
export function HeadRow({ pinned, loose, all, pinnedWidth, looseWidth, marks, onMarks }: HeadRowProps) {
  const [target, setTarget] = useState<{ id: string; behind: boolean } | null>(null);
  const any = marks.all || marks.keys.size > 0;
  const head = (column: ShownColumn, left: number | null) => (
    <HeadCell
      key={column.id}
      column={column}
      left={left}
      index={all.indexOf(column)}
      all={all}
      drop={target?.id === column.id ? (target.behind ? "behind" : "before") : null}
      onDrop={setTarget}
    >
      {column.column.by === "name" && !column.spark && (
        <input
          type="checkbox"
          className="row-mark"
          aria-label={any ? "Unmark all runs" : "Mark all runs that match"}
          checked={marks.all && marks.keys.size === 0}
          ref={(node) => {
            if (node) node.indeterminate = any && !(marks.all && marks.keys.size === 0);
          }}
          onChange={() => onMarks(any ? NO_MARKS : ALL_MARKED)}
        />
      )}
    </HeadCell>
  );
  return (
    <div
      role="rowgroup"
      className="runs-head"
      style={{ width: `${pinnedWidth + looseWidth}px`, height: `${HEAD_PX}px` }}
    >
      <div role="row" aria-rowindex={1} className="runs-line">
        <div role="presentation" className="cells-pinned" style={{ width: `${pinnedWidth}px` }}>
          {pinned.map((column) => head(column, null))}
        </div>
        <div role="presentation" className="cells-loose">
          {loose.map(({ column, left }) => head(column, left))}
        </div>
      </div>
    </div>
  );
}

interface HeadCellProps {
  column: ShownColumn;
  /** Null = stands in the flow of the pinned ones. */
  left: number | null;
  index: number;
  all: readonly ShownColumn[];
  drop: "before" | "behind" | null;
  onDrop(target: { id: string; behind: boolean } | null): void;
  children?: React.ReactNode;
}

/** A shorter drag is a click. */
const DRAG_PX = 6;

function HeadCell({ column, left, index, all, drop, onDrop, children }: HeadCellProps) {
  const drag = useRef<{ x: number; moving: boolean; target: { id: string; behind: boolean } | null } | null>(
    null,
  );
  const sorted = useSorted(column);
  const { name, note } = columnName(column.column);
  const label = columnLabel(column);

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if (event.button === 0 && event.pointerType !== "touch")
      drag.current = { x: event.clientX, moving: false, target: null };
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const held = drag.current;
    if (!held || (!held.moving && Math.abs(event.clientX - held.x) < DRAG_PX)) return;
    if (!held.moving) event.currentTarget.setPointerCapture(event.pointerId);
    held.moving = true;
    const over = document
      .elementsFromPoint(event.clientX, event.clientY)
      .find((node): node is HTMLElement => node instanceof HTMLElement && node.dataset.column !== undefined);
    const bounds = over?.getBoundingClientRect();
    held.target =
      over && bounds
        ? { id: over.dataset.column ?? "", behind: event.clientX > bounds.left + bounds.width / 2 }
        : null;
    onDrop(held.target);
  };
  const onPointerUp = () => {
    const held = drag.current;
    onDrop(null);
    if (held?.moving && held.target) {
      changeColumns(all, (columns) =>
        moveColumn(columns, column.id, held.target?.id ?? "", held.target?.behind ?? false),
      );
    }
    // The click that follows a drag must not sort.
    setTimeout(() => {
      drag.current = null;
    });
  };

  return (
    <div
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={sorted === null ? "none" : sorted ? "descending" : "ascending"}
      className={`head-cell ${drop ? `drop-${drop}` : ""} ${column.kind === "number" || column.kind === "time" ? "numeric" : ""}`}
      data-column={column.id}
      style={{ width: `${column.width}px`, ...(left === null ? {} : { transform: `translateX(${left}px)` }) }}
    >
      {children}
      <button
        type="button"
        className="head-name"
        title={`${label}${column.spark ? "" : ". Click to sort, drag to move"}`}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        onClick={() =>
          !drag.current?.moving &&
          !column.spark &&
          sortBy(column, sorted === null ? firstDesc(column) : !sorted)
        }
      >
        <span className="head-text">
          <b>{name}</b>
          {(note || column.spark) && <small>{column.spark ? "curve" : note}</small>}
        </span>
        {sorted !== null && (sorted ? <ArrowDown size={12} /> : <ArrowUp size={12} />)}
      </button>
      <HeadMenu column={column} all={all} label={label} sorted={sorted} />
      <Edge column={column} all={all} />
    </div>
  );
}

function Edge({ column, all }: { column: ShownColumn; all: readonly ShownColumn[] }) {
  const from = useRef<{ x: number; width: number } | null>(null);
  return (
    <i
      className="head-edge"
      aria-hidden="true"
      onPointerDown={(event) => {
        from.current = { x: event.clientX, width: column.width };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        const start = from.current;
        if (start) resize(all, column.id, start.width + event.clientX - start.x);
      }}
      onPointerUp={() => {
        from.current = null;
      }}
      onDoubleClick={() => changeColumn(all, column.id, { width: null })}
    />
  );
}

interface HeadMenuProps {
  column: ShownColumn;
  all: readonly ShownColumn[];
  label: string;
  sorted: boolean | null;
}

const RESIZE_PX = 40;

function HeadMenu({ column, all, label, sorted }: HeadMenuProps) {
  const group = useView((view) => view.group);
  const { by } = column.column;
  const metric = metricOf(column.column);
  const beside = (step: number) => all[all.indexOf(column) + step];
  const move = (step: number) => {
    const target = beside(step);
    if (target) changeColumns(all, (columns) => moveColumn(columns, column.id, target.id, step > 0));
  };
  return (
    <Menu
      trigger={
        <button type="button" className="head-menu" aria-label={`Options of column ${label}`}>
          <MoreVertical size={13} />
        </button>
      }
    >
      {!column.spark && (
        <>
          <MenuItem icon={<ArrowUp size={14} />} onSelect={() => sortBy(column, false)}>
            Sort rising
          </MenuItem>
          <MenuItem icon={<ArrowDown size={14} />} onSelect={() => sortBy(column, true)}>
            Sort falling
          </MenuItem>
          {sorted !== null && (
            <MenuItem icon={<Minus size={14} />} onSelect={unsort}>
              Newest first
            </MenuItem>
          )}
          {metric === null && (
            <MenuItem
              icon={<Group size={14} />}
              onSelect={() =>
                changeView({
                  group: group.includes(by) ? group.filter((other) => other !== by) : [...group, by],
                })
              }
            >
              {group.includes(by) ? "Stop grouping by this" : "Group by this"}
            </MenuItem>
          )}
          <MenuSeparator />
        </>
      )}
      {metric !== null && !column.spark && (
        <>
          {(["min", "max"] as const).map((goal: Goal) => (
            <MenuCheck
              key={goal}
              checked={column.goal === goal}
              onChange={(on) => setGoal(column.id, on ? goal : null)}
            >
              {goal === "min" ? "Lower is better" : "Higher is better"}
            </MenuCheck>
          ))}
          <MenuSeparator />
        </>
      )}
      <MenuItem
        icon={column.pinned ? <PinOff size={14} /> : <Pin size={14} />}
        onSelect={() => changeColumn(all, column.id, { pinned: !column.pinned })}
      >
        {column.pinned ? "Unpin" : "Pin to the left"}
      </MenuItem>
      {beside(-1) && (
        <MenuItem icon={<ArrowLeft size={14} />} onSelect={() => move(-1)}>
          Move left
        </MenuItem>
      )}
      {beside(1) && (
        <MenuItem icon={<ArrowRight size={14} />} onSelect={() => move(1)}>
          Move right
        </MenuItem>
      )}
      <MenuItem icon={<Plus size={14} />} onSelect={() => resize(all, column.id, column.width + RESIZE_PX)}>
        Wider
      </MenuItem>
      <MenuItem
        icon={<GripVertical size={14} />}
        onSelect={() => resize(all, column.id, column.width - RESIZE_PX)}
      >
        Narrower
      </MenuItem>
      {by !== "name" && (
        <MenuItem icon={<EyeOff size={14} />} onSelect={() => changeColumn(all, column.id, { hidden: true })}>
          Hide
        </MenuItem>
      )}
    </Menu>
  );
}

// ── what the heads change ──────────────────────────────────────────────────────────────────────────────────

/** Whether the table is sorted by this column: true = falling, false = rising, null = no. */
function useSorted({ column, spark }: ShownColumn): boolean | null {
  const special = useTable((table) => table.sort);
  const sort = useView((view) => view.sort);
  if (spark) return null;
  if (special)
    return idOf({ column: special.column, spark: false }) === idOf({ column, spark }) ? special.desc : null;
  const isMetric = metricOf(column) !== null;
  return sort.by === column.by && (!isMetric || sort.agg === (column.agg ?? "last")) ? sort.desc : null;
}

function firstDesc({ goal, kind }: ShownColumn): boolean {
  return goal === "max" || kind === "time";
}

function sortBy({ column }: ShownColumn, desc: boolean): void {
  const agg = AGGREGATES.find((candidate) => candidate === (column.agg ?? "last"));
  if (agg) {
    changeTable({ sort: null });
    changeView({ sort: { by: column.by, agg, desc } });
  } else changeTable({ sort: { column, desc } });
}

function unsort(): void {
  changeTable({ sort: null });
  changeView({ sort: { ...getView().sort, by: "created_at", agg: "last", desc: true } });
}

function setGoal(id: string, goal: Goal | null): void {
  const { [id]: _, ...others } = useTable.getState().goals;
  changeTable({ goals: goal === null ? others : { ...others, [id]: goal } });
}

/** Changes the columns; until then they may be those that were chosen by themselves. */
export function changeColumns(
  shown: readonly TableColumn[],
  change: (columns: readonly TableColumn[]) => readonly TableColumn[],
): void {
  changeTable({ columns: change(useTable.getState().columns ?? shown.map(plain)) });
}

export function changeColumn(shown: readonly TableColumn[], id: string, next: Partial<TableColumn>): void {
  changeColumns(shown, (columns) =>
    columns.map((column) => (idOf(column) === id ? { ...column, ...next } : column)),
  );
}

function resize(shown: readonly TableColumn[], id: string, width: number): void {
  changeColumn(shown, id, { width: boundWidth(width) });
}

/** Without what only the shown table needs; the widths that came by kind stay so. */
function plain({ column, spark, pinned, hidden }: TableColumn): TableColumn {
  return { column, spark, pinned, hidden, width: null };
}
