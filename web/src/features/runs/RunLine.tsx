import { Link } from "@tanstack/react-router";
import { Eye, EyeOff, MoreVertical, Pencil, Target } from "lucide-react";
import { memo, useContext, useSyncExternalStore } from "react";
import { metricOf } from "@/api/columns";
import type { TableRow } from "@/api/runsTable";
import { slotColor, slotDash } from "@/charts/core/palette";
import { clearHover, getHover, setHover, subscribeHover } from "@/state/hover";
import { isShown, onlyShown, setShown } from "@/state/selection";
import { useTheme } from "@/state/theme";
import { changeView, getView, useView } from "@/state/view";
import { Menu, MenuItem } from "@/ui/Menu";
import { MiddleEllipsis } from "@/ui/MiddleEllipsis";
import { StateMark } from "@/ui/StateMark";
import { Swatch } from "@/ui/Swatch";
import { CellValue } from "./CellValue";
import { Curve } from "./Curve";
import { EditCell } from "./EditCell";
import { isEditable, type ShownColumn } from "./shownColumns";
import { CurvesContext } from "./useCurves";

export interface LineFrame {
  index: number;
  top: number;
  height: number;
  /** Column that the keyboard is at; null = in another row. */
  active: number | null;
  pinnedWidth: number;
}

interface RunLineProps extends LineFrame {
  /** Null = not here yet. */
  row: TableRow | null;
  depth: number;
  pinned: readonly ShownColumn[];
  loose: readonly { column: ShownColumn; left: number }[];
  marked: boolean;
  onMark(index: number, on: boolean, range: boolean): void;
  baseline: TableRow | null;
  onBaseline(runKey: string | null): void;
  /** Column whose value is being edited. */
  editing: string | null;
  onEditing(runKey: string, column: string | null): void;
  mayEdit: boolean;
}

/** One run of the table. */
export const RunLine = memo(function RunLine(props: RunLineProps) {
  const { row, index, top, height, marked, baseline } = props;
  const shown = useView((view) => row !== null && isShown(view.selection, row.number));
  const runKey = row?.run_key;
  const hot = useSyncExternalStore(subscribeHover, () => runKey !== undefined && getHover().id === runKey);
  const isBaseline = row !== null && baseline?.run_key === row.run_key;
  const cell = (column: ShownColumn, place: number, left: number | null) => (
    <div
      key={column.id}
      id={`cell-${index}-${place}`}
      role="gridcell"
      aria-colindex={place + 1}
      className={`cell ${numeric(column) ? "numeric" : ""} ${props.active === place ? "active" : ""}`}
      style={{ width: `${column.width}px`, ...(left === null ? {} : { transform: `translateX(${left}px)` }) }}
      onDoubleClick={() =>
        props.mayEdit && row && isEditable(column) && props.onEditing(row.run_key, column.id)
      }
    >
      {row && <RunCell {...props} row={row} column={column} shown={shown} isBaseline={isBaseline} />}
    </div>
  );
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={marked}
      {...(props.depth > 0 ? { "aria-level": props.depth + 1 } : {})}
      data-run={runKey}
      className={`runs-line ${hot ? "hot" : ""} ${marked ? "marked" : ""} ${isBaseline ? "baseline" : ""}`}
      style={{ height: `${height}px`, transform: `translateY(${top}px)` }}
      onPointerEnter={(event) =>
        runKey !== undefined && event.pointerType !== "touch" && setHover({ id: runKey, cursor: null })
      }
      onPointerLeave={clearHover}
    >
      <div role="presentation" className="cells-pinned" style={{ width: `${props.pinnedWidth}px` }}>
        {props.pinned.map((column, i) => cell(column, i, null))}
      </div>
      <div role="presentation" className="cells-loose">
        {props.loose.map(({ column, left }) => cell(column, props.pinned.length + column.order, left))}
      </div>
    </div>
  );
});

function numeric({ kind, spark }: ShownColumn): boolean {
  return !spark && (kind === "number" || kind === "time");
}

interface RunCellProps extends RunLineProps {
  row: TableRow;
  column: ShownColumn;
  shown: boolean;
  isBaseline: boolean;
}

function RunCell(props: RunCellProps) {
  const { row, column, baseline, isBaseline } = props;
  const theme = useTheme((store) => store.name);
  const { by } = column.column;
  if (props.editing === column.id) {
    return <EditCell row={row} by={by} onDone={() => props.onEditing(row.run_key, null)} />;
  }
  if (column.spark) {
    return (
      <CurveCell
        metric={metricOf(column.column) ?? ""}
        run={row.run_key}
        color={slotColor(row.number, theme)}
      />
    );
  }
  if (by === "name") return <NameCell {...props} />;
  const editable = props.mayEdit && isEditable(column);
  const content =
    by === "state" ? (
      <span className="state-cell">
        {row.state === "finished" ? (
          <span className="state-mark finished" />
        ) : (
          <StateMark state={row.state} />
        )}
        <span aria-hidden={row.state !== "finished"}>{row.state}</span>
      </span>
    ) : by === "tags" ? (
      <span className="tag-list" title={row.tags.join(", ")}>
        {row.tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </span>
    ) : (
      <CellValue
        column={column}
        value={valueAt(row, column)}
        unit={column.unit}
        base={baseline && !isBaseline ? valueAt(baseline, column) : undefined}
        goal={column.goal}
      />
    );
  if (!editable) return content;
  return (
    <>
      {content}
      <button
        type="button"
        className="cell-edit"
        tabIndex={-1}
        aria-label={`Edit ${by} of ${row.name}`}
        onClick={() => props.onEditing(row.run_key, column.id)}
      >
        <Pencil size={11} />
      </button>
    </>
  );
}

function CurveCell({ metric, run, color }: { metric: string; run: string; color: string }) {
  const curves = useContext(CurvesContext);
  return <Curve series={curves.get(metric)?.get(run)} color={color} />;
}

/** What a row shows in a column. What people edit is taken from the run, which knows of an edit first. */
export function valueAt(row: TableRow, column: ShownColumn): unknown {
  const { by } = column.column;
  if (by === "group") return row.group;
  if (by === "notes") return row.notes;
  if (by === "job_type") return row.job_type;
  if (by === "folder") return row.folder;
  if (by === "parent") return row.parent;
  if (by === "host") return row.host;
  if (by === "created_at") return row.created_at;
  if (by === "runtime") return row.runtime_s;
  return row.values?.[column.place];
}

function NameCell({
  row,
  index,
  depth,
  marked,
  shown,
  isBaseline,
  onMark,
  onBaseline,
  ...rest
}: RunCellProps) {
  const theme = useTheme((store) => store.name);
  return (
    <span className={`name-cell depth-${Math.min(3, depth)} ${shown ? "" : "off"}`}>
      <input
        type="checkbox"
        className="row-mark"
        tabIndex={-1}
        aria-label={`Mark ${row.name}`}
        checked={marked}
        onChange={() => undefined}
        onClick={(event) => onMark(index, !marked, event.shiftKey)}
      />
      <button
        type="button"
        className="eye"
        tabIndex={-1}
        aria-label={`${shown ? "Hide" : "Show"} ${row.name}`}
        aria-pressed={shown}
        title="In the charts. Click: show or hide. Alt-click: only this run"
        onClick={(event) => {
          const { selection } = getView();
          changeView({
            selection: event.altKey
              ? onlyShown(selection, [row.number])
              : setShown(selection, [row.number], !shown),
          });
        }}
      >
        {shown ? <Eye size={14} /> : <EyeOff size={14} />}
      </button>
      <Swatch
        color={shown ? slotColor(row.number, theme) : "var(--border-strong)"}
        dash={slotDash(row.number)}
      />
      <Link
        className="run-name"
        tabIndex={-1}
        to="/$entity/$project/runs/$run_id/$tab"
        params={{ entity: row.entity, project: row.project, run_id: row.run_id, tab: "overview" }}
        title={row.error ? `${row.name}: ${row.error}` : row.name}
      >
        <MiddleEllipsis text={row.name} />
      </Link>
      {isBaseline && <span className="badge accent">baseline</span>}
      <StateMark state={row.state} />
      {(row.damaged || row.error) && (
        <span
          className="damage"
          title={row.error ?? "Part of this run's log cannot be read; see its overview."}
        >
          !
        </span>
      )}
      <Menu
        align="start"
        trigger={
          <button type="button" className="row-menu" tabIndex={-1} aria-label={`Options of ${row.name}`}>
            <MoreVertical size={13} />
          </button>
        }
      >
        <MenuItem icon={<Target size={14} />} onSelect={() => onBaseline(isBaseline ? null : row.run_key)}>
          {isBaseline ? "No baseline" : "Compare all to this run"}
        </MenuItem>
        {rest.mayEdit && (
          <MenuItem icon={<Pencil size={14} />} onSelect={() => rest.onEditing(row.run_key, "name")}>
            Rename
          </MenuItem>
        )}
      </Menu>
    </span>
  );
}
