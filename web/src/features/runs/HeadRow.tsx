import {
  ArrowDown,
  ArrowDownUp,
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
import { columnId, columnName, metricOf } from "@/api/columns";
import type { Goal } from "@/api/statistics";
import { CorrectionMark } from "@/panels/CorrectionMark";
import { AGGREGATES, changeView, DEFAULT_SORT, getView, useView } from "@/state/view";
import { Menu, MenuCheck, MenuItem, MenuSeparator } from "@/ui/Menu";
import { columnLabel } from "./CellValue";
import { ALL_MARKED, type Marks, NO_MARKS } from "./marks";
import { HEAD_PX, type ShownColumn } from "./shownColumns";
import {
  boundWidth,
  type ColumnSort,
  changeTable,
  getTable,
  idOf,
  moveColumn,
  SORTS_MOST,
  type TableColumn,
  useTable,
} from "./tableState";

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
  const { sorted, place } = useSorted(column);
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
        title={`${label}${column.spark ? "" : ". Click to sort, Shift-click to sort by it too, drag to move"}`}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        onClick={(event) => {
          if (drag.current?.moving || column.spark) return;
          const desc = sorted === null ? firstDesc(column) : !sorted;
          if (event.shiftKey) sortThen(column, desc);
          else sortBy(column, desc);
        }}
      >
        <span className="head-text">
          <b>{name}</b>
          {(note || column.spark) && <small>{column.spark ? "curve" : note}</small>}
        </span>
        {sorted !== null && (sorted ? <ArrowDown size={12} /> : <ArrowUp size={12} />)}
        {place !== null && <small className="sort-place">{place}</small>}
      </button>
      {column.info && <CorrectionMark metrics={[column.info]} />}
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
  const sorts = useTable((table) => table.sort.length);
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
          {sorted === null && (
            <MenuItem icon={<ArrowDownUp size={14} />} onSelect={() => sortThen(column, firstDesc(column))}>
              Sort by this too
            </MenuItem>
          )}
          {sorted !== null && (
            <MenuItem icon={<Minus size={14} />} onSelect={() => unsort(column)}>
              {sorts > 1 ? "Stop sorting by this" : "Newest first"}
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

/** How the table is sorted by this column: falling, rising or not at all; its place where there are several sorts. */
function useSorted({ column, spark }: ShownColumn): { sorted: boolean | null; place: number | null } {
  const own = useTable((table) => table.sort);
  const sort = useView((view) => view.sort);
  if (spark) return { sorted: null, place: null };
  if (own.length > 0) {
    const at = own.findIndex((one) => columnId(one.column) === columnId(column));
    return { sorted: own[at]?.desc ?? null, place: at >= 0 && own.length > 1 ? at + 1 : null };
  }
  const isMetric = metricOf(column) !== null;
  const same = sort.by === column.by && (!isMetric || sort.agg === (column.agg ?? "last"));
  return { sorted: same ? sort.desc : null, place: null };
}

function firstDesc({ goal, kind }: ShownColumn): boolean {
  return goal === "max" || kind === "time";
}

function sortBy({ column }: ShownColumn, desc: boolean): void {
  setSorts([{ column, desc }]);
}

/** Sorts by this column where those before it are equal; by what it is sorted already, only the other way round. */
function sortThen({ column }: ShownColumn, desc: boolean): void {
  const sorts = currentSorts();
  const at = sorts.findIndex((one) => columnId(one.column) === columnId(column));
  setSorts(at < 0 ? [...sorts, { column, desc }] : sorts.with(at, { column, desc }));
}

function unsort({ column }: ShownColumn): void {
  setSorts(currentSorts().filter((one) => columnId(one.column) !== columnId(column)));
}

function currentSorts(): readonly ColumnSort[] {
  const { sort } = getTable();
  if (sort.length > 0) return sort;
  const { by, agg, desc } = getView().sort;
  return by === DEFAULT_SORT.by ? [] : [{ column: metricOf({ by }) === null ? { by } : { by, agg }, desc }];
}

/** The workspace knows one sort, by what has a name there; it keeps it as far as it can. */
function setSorts(sorts: readonly ColumnSort[]): void {
  const [first = { column: { by: DEFAULT_SORT.by }, desc: DEFAULT_SORT.desc }] = sorts;
  const { by } = first.column;
  const agg = AGGREGATES.find((candidate) => candidate === (first.column.agg ?? "last"));
  const named = sorts.length <= 1 && agg !== undefined;
  changeTable({ sort: named ? [] : sorts.slice(0, SORTS_MOST) });
  if (agg) changeView({ sort: { by, agg, desc: first.desc } });
}

function setGoal(id: string, goal: Goal | null): void {
  const { [id]: _, ...others } = getTable().goals;
  changeTable({ goals: goal === null ? others : { ...others, [id]: goal } });
}

/** Changes the columns; until then they may be those that were chosen by themselves. */
export function changeColumns(
  shown: readonly TableColumn[],
  change: (columns: readonly TableColumn[]) => readonly TableColumn[],
): void {
  changeTable({ columns: change(getTable().columns ?? shown.map(plain)) });
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
