import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { metricOf } from "@/api/columns";
import type { TableRow as Row } from "@/api/runsTable";
import { useMediaQuery } from "@/ui/useMediaQuery";
import { GroupLine } from "./GroupLine";
import { HeadRow } from "./HeadRow";
import { isMarked, type Marks, mark } from "./marks";
import { RunLine } from "./RunLine";
import { type Item, itemAt, type Segment, segmentsLength } from "./segments";
import { arrange, HEAD_PX, isEditable, layOut, type ShownColumn } from "./shownColumns";
import { CurvesContext, useCurves } from "./useCurves";
import { PAGE_ROWS, type PageName, type TablePages } from "./useTablePages";

interface RunsTableProps {
  label: string;
  columns: readonly ShownColumn[];
  segments: readonly Segment[];
  pages: TablePages;
  folded: ReadonlySet<string>;
  onFold(id: string): void;
  marks: Marks;
  onMarks(marks: Marks): void;
  /** Null while there is no baseline. */
  baseline: Row | null;
  onBaseline(runKey: string | null): void;
  onPagesInView(pages: readonly PageName[]): void;
  mayEdit: boolean;
  empty: React.ReactNode;
}

const ROW_PX = 32;
const TOUCH_ROW_PX = 44;

/** Where the keyboard is. */
interface Place {
  row: number;
  column: number;
}

/** Runs as rows: only the rows and columns in view exist. */
export function RunsTable(props: RunsTableProps) {
  const { label, segments, pages, marks, onMarks, onPagesInView } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const touch = useMediaQuery("(max-width: 760px), (pointer: coarse)");
  const narrow = useMediaQuery("(max-width: 760px)");
  const [place, setPlace] = useState<Place | null>(null);
  const [editing, setEditing] = useState<string | null>(null);
  const lastMarked = useRef<number | null>(null);
  const columns = useMemo(() => arrange(props.columns, narrow), [props.columns, narrow]);
  const { pinned, loose, lefts, pinnedWidth, looseWidth } = useMemo(() => layOut(columns), [columns]);

  const count = segmentsLength(segments);
  const rowPx = touch ? TOUCH_ROW_PX : ROW_PX;
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 10,
    scrollMargin: HEAD_PX,
    scrollPaddingStart: HEAD_PX,
  });
  const cells = useVirtualizer({
    horizontal: true,
    count: loose.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => loose[index]?.id ?? index,
    estimateSize: (index) => loose[index]?.width ?? 0,
    overscan: 3,
    scrollMargin: pinnedWidth,
    scrollPaddingStart: pinnedWidth,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: sizes depend on these, the virtualizers do not know
  useEffect(() => rows.measure(), [rowPx]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  useEffect(() => cells.measure(), [columns]);

  const visible = rows.getVirtualItems();
  const first = visible[0]?.index ?? 0;
  const last = visible.at(-1)?.index ?? 0;
  const wanted = useMemo(() => pagesBetween(segments, first, last), [segments, first, last]);
  useEffect(() => onPagesInView(wanted), [wanted, onPagesInView]);

  const inView = cells.getVirtualItems();
  const [from, to] = [inView[0]?.index ?? 0, inView.at(-1)?.index ?? -1];
  // The same list as long as the same columns are in view: rows then stand still while the table scrolls down.
  const shownLoose = useMemo(
    () => loose.slice(from, to + 1).map((column, i) => ({ column, left: lefts[from + i] ?? 0 })),
    [loose, lefts, from, to],
  );
  const items = visible.map(({ index, start }) => ({ index, start, item: itemAt(segments, index) }));
  const shownRuns = items.flatMap(({ item }) => {
    const row = item?.kind === "run" ? pages.row(item.block, item.index) : null;
    return row ? [row.run_key] : [];
  });
  const curveMetrics = [
    ...new Set(columns.filter(({ spark }) => spark).flatMap((c) => metricOf(c.column) ?? [])),
  ];
  const curves = useCurves(curveMetrics, shownRuns);

  const rowOf = (item: Item | null) => (item?.kind === "run" ? pages.row(item.block, item.index) : null);
  const markRow = (index: number, on: boolean, range: boolean) => {
    const from = range && lastMarked.current !== null ? Math.min(lastMarked.current, index) : index;
    const to = range && lastMarked.current !== null ? Math.max(lastMarked.current, index) : index;
    const keys: string[] = [];
    for (let i = from; i <= to; i++) {
      const row = rowOf(itemAt(segments, i));
      if (row) keys.push(row.run_key);
    }
    lastMarked.current = index;
    onMarks(mark(marks, keys, on));
  };

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = place ?? { row: first, column: 0 };
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / rowPx) - 2);
    const moves: Record<string, Place> = {
      ArrowDown: { ...now, row: now.row + (place ? 1 : 0) },
      ArrowUp: { ...now, row: now.row - 1 },
      ArrowRight: { ...now, column: now.column + 1 },
      ArrowLeft: { ...now, column: now.column - 1 },
      PageDown: { ...now, row: now.row + page },
      PageUp: { ...now, row: now.row - page },
      Home: { ...now, column: 0 },
      End: { ...now, column: columns.length - 1 },
    };
    const target = moves[event.key];
    if (target) {
      const next = {
        row: Math.max(0, Math.min(count - 1, target.row)),
        column: Math.max(0, Math.min(columns.length - 1, target.column)),
      };
      setPlace(next);
      rows.scrollToIndex(next.row);
      const at = next.column - pinned.length;
      if (at >= 0) cells.scrollToIndex(at);
    } else if (place) {
      const item = itemAt(segments, place.row);
      const row = rowOf(item);
      const column = columns[place.column];
      if (event.key === " " && row) markRow(place.row, !isMarked(marks, row.run_key), event.shiftKey);
      else if (event.key === "Enter" && item?.kind === "group") props.onFold(item.node.id);
      else if ((event.key === "Enter" || event.key === "F2") && row && column) {
        if (props.mayEdit && isEditable(column) && (event.key === "F2" || column.column.by !== "name")) {
          setEditing(`${row.run_key}|${column.id}`);
        } else if (event.key === "Enter") {
          document.querySelector<HTMLAnchorElement>(`[data-run="${CSS.escape(row.run_key)}"] a`)?.click();
        }
      } else if (event.key === "Escape") setPlace(null);
      else return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const latest = useRef(markRow);
  latest.current = markRow;
  const onMark = useCallback(
    (index: number, on: boolean, range: boolean) => latest.current(index, on, range),
    [],
  );
  const onEditing = useCallback((runKey: string, column: string | null) => {
    setEditing(column === null ? null : `${runKey}|${column}`);
    if (column === null) scroller.current?.focus({ preventScroll: true });
  }, []);

  const activeId = place ? `cell-${place.row}-${place.column}` : undefined;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it is a grid; which of the two kinds is known only here
    <div
      ref={scroller}
      className="runs-table"
      // Rows of groups open and close, which only rows of a treegrid can.
      role={segments.some(({ kind }) => kind === "group") ? "treegrid" : "grid"}
      aria-label={label}
      aria-rowcount={count + 1}
      aria-colcount={columns.length}
      aria-multiselectable="true"
      aria-busy={pages.loading}
      aria-activedescendant={activeId}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onBlur={(event) => event.target === event.currentTarget && setPlace(null)}
    >
      <HeadRow
        pinned={pinned}
        loose={shownLoose}
        all={columns}
        pinnedWidth={pinnedWidth}
        looseWidth={looseWidth}
        marks={marks}
        onMarks={onMarks}
      />
      <CurvesContext value={curves}>
        <div
          role="rowgroup"
          className={`runs-rows ${pages.stale ? "stale" : ""}`}
          style={{ height: `${rows.getTotalSize()}px`, width: `${pinnedWidth + looseWidth}px` }}
        >
          {items.map(({ index, start, item }) => {
            if (!item) return null;
            const active = place?.row === index ? place.column : null;
            const frame = { index, top: start - HEAD_PX, height: rowPx, active, pinnedWidth };
            if (item.kind === "group") {
              return (
                <GroupLine
                  key={item.node.id}
                  {...frame}
                  node={item.node}
                  pinned={pinned}
                  loose={shownLoose}
                  folded={props.folded.has(item.node.id)}
                  onFold={props.onFold}
                />
              );
            }
            const row = pages.row(item.block, item.index);
            return (
              <RunLine
                key={row?.run_key ?? `${index}`}
                {...frame}
                row={row}
                depth={item.depth}
                pinned={pinned}
                loose={shownLoose}
                marked={row !== null && isMarked(marks, row.run_key)}
                onMark={onMark}
                baseline={props.baseline}
                onBaseline={props.onBaseline}
                editing={
                  row && editing?.startsWith(`${row.run_key}|`) ? editing.slice(row.run_key.length + 1) : null
                }
                onEditing={onEditing}
                mayEdit={props.mayEdit}
              />
            );
          })}
        </div>
      </CurvesContext>
      {count === 0 && !pages.loading && props.empty}
    </div>
  );
}

function pagesBetween(segments: readonly Segment[], first: number, last: number): PageName[] {
  const found = new Map<string, PageName>();
  for (const segment of segments) {
    if (segment.kind !== "rows" || segment.start > last || segment.start + segment.count <= first) continue;
    const from = Math.max(0, first - segment.start);
    const to = Math.min(segment.count - 1, last - segment.start);
    for (let page = Math.floor(from / PAGE_ROWS); page <= Math.floor(to / PAGE_ROWS); page++) {
      found.set(`${segment.block.filter}|${page}`, { block: segment.block, page });
    }
  }
  return [...found.values()];
}
