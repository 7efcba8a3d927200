import { useVirtualizer } from "@tanstack/react-virtual";
import { ChartScatter, Columns3, Download, Search, X } from "lucide-react";
import { lazy, Suspense, useContext, useEffect, useMemo, useRef, useState } from "react";
import type { TableValue } from "@/api/mediaValue";
import type { TableColumn, TableFilter } from "@/api/tables";
import { Dialog } from "@/ui/Dialog";
import { formatCount } from "@/ui/humanize";
import { Menu, MenuCheck } from "@/ui/Menu";
import { saveText } from "@/ui/saveText";
import { useDebounced } from "@/ui/useDebounced";
import { ColumnHead } from "./ColumnHead";
import { isMedia, isNumeric, tableCsv, vectorSize } from "./cells";
import { FilterChips } from "./FilterChips";
import { GroupRows } from "./GroupRows";
import { RowDialog } from "./RowDialog";
import { TableCell } from "./TableCell";
import {
  EXPORT_ROWS,
  fetchAllRows,
  SERVER_TABLES,
  type TableAsk,
  TablesContext,
  useTablePages,
} from "./useTablePages";

const Projector = lazy(() => import("./Projector"));

interface TableViewProps {
  runKey: string;
  value: TableValue;
  /** Less around it, where it is one of several panels. */
  compact?: boolean;
  /** Names the file that is downloaded. */
  name: string;
}

const ROW_PX = 32;
const MEDIA_ROW_PX = 76;
const AUDIO_ROW_PX = 64;
const COLUMN_PX = 140;
const NUMBER_PX = 100;
const AUDIO_PX = 260;
const TYPING_MS = 250;

/** A logged table: sorted, searched, filtered and grouped by the server, row by row as it is scrolled. */
export function TableView({ runKey, value, compact = false, name }: TableViewProps) {
  const reader = useContext(TablesContext);
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState<{ column: string; desc: boolean } | null>(null);
  const [filters, setFilters] = useState<readonly TableFilter[]>([]);
  const [group, setGroup] = useState<readonly string[]>([]);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [widths, setWidths] = useState<ReadonlyMap<string, number>>(new Map());
  const [opened, setOpened] = useState<number | null>(null);
  const [projecting, setProjecting] = useState(false);
  const [saving, setSaving] = useState<number | null>(null);
  const [saveError, setSaveError] = useState<string | null>(null);
  const [visible, setVisible] = useState({ first: 0, last: 0 });
  const typed = useDebounced(search, TYPING_MS);
  const ask = useMemo(
    (): TableAsk => ({
      sha256: value.sha256,
      ...(typed ? { search: typed } : {}),
      ...(sort ? { sort: [sort] } : {}),
      ...(filters.length > 0 ? { filters } : {}),
      ...(group.length > 0 ? { group } : {}),
    }),
    [value.sha256, typed, sort, filters, group],
  );
  const pages = useTablePages(runKey, ask, visible.first, visible.last);
  const { head } = pages;
  const columns = useMemo(
    (): TableColumn[] =>
      head?.columns.map(({ name: column, type }) => ({ name: column, type })) ??
      value.columns.map((column, i) => ({ name: column, type: value.types[i] ?? "mixed" })),
    [head, value],
  );
  const shown = columns.filter((column) => !hidden.has(column.name));
  const widthOf = ({ name: column, type }: TableColumn) =>
    widths.get(column) ?? (type === "audio-file" ? AUDIO_PX : isNumeric(type) ? NUMBER_PX : COLUMN_PX);
  const rowHeight = columns.some(({ type }) => isMedia(type) && type !== "audio-file")
    ? MEDIA_ROW_PX
    : columns.some(({ type }) => type === "audio-file")
      ? AUDIO_ROW_PX
      : ROW_PX;
  const match = head?.match ?? 0;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: head?.groups ? 0 : match,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    onChange: (instance) => {
      const items = instance.getVirtualItems();
      const [first, last] = [items[0]?.index ?? 0, items[items.length - 1]?.index ?? 0];
      setVisible((former) => (former.first === first && former.last === last ? former : { first, last }));
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another question starts at its top
  useEffect(() => rows.scrollToOffset(0), [ask]);

  const save = async () => {
    setSaveError(null);
    try {
      const { group: _, ...rest } = ask;
      const found = await fetchAllRows(reader, runKey, rest, setSaving);
      saveText(`${name.replaceAll("/", "_")}.csv`, "text/csv", tableCsv(found.columns, found.rows));
      if (found.match > EXPORT_ROWS)
        setSaveError(`The file holds the first ${formatCount(EXPORT_ROWS)} rows.`);
    } catch (cause) {
      setSaveError(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setSaving(null);
    }
  };

  // Vectors are read whole, which the server alone can do.
  const vectors = reader === SERVER_TABLES ? columns.filter(({ type }) => vectorSize(type) !== null) : [];
  const template = `52px ${shown.map((column) => `${widthOf(column)}px`).join(" ")}`;
  return (
    <div className={`table-view ${compact ? "compact" : ""}`}>
      <div className="table-bar">
        <span className="field">
          <Search size={14} aria-hidden="true" />
          <input
            type="search"
            aria-label="Search all cells"
            placeholder="Search all cells"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </span>
        <FilterChips columns={columns} filters={filters} onChange={setFilters} />
        {group.map((column) => (
          <button
            type="button"
            key={column}
            className="chip on"
            aria-label={`Do not group by ${column}`}
            onClick={() => setGroup(group.filter((other) => other !== column))}
          >
            <span className="chip-text">by {column}</span>
            <X size={12} />
          </button>
        ))}
        <span className="grow" />
        <output className="table-count" aria-live="polite">
          {head === null
            ? "…"
            : head.match === head.total
              ? `${formatCount(head.total)} ${head.total === 1 ? "row" : "rows"}`
              : `${formatCount(head.match)} of ${formatCount(head.total)} rows`}
        </output>
        {vectors.length > 0 && (
          <button type="button" className="button" onClick={() => setProjecting(true)}>
            <ChartScatter size={14} />
            Project
          </button>
        )}
        <Menu
          trigger={
            <button type="button" className="icon-button" aria-label="Columns">
              <Columns3 size={15} />
            </button>
          }
        >
          {columns.map((column) => (
            <MenuCheck
              key={column.name}
              checked={!hidden.has(column.name)}
              onChange={(on) => {
                const next = new Set(hidden);
                if (on) next.delete(column.name);
                else next.add(column.name);
                setHidden(next);
              }}
            >
              {column.name}
            </MenuCheck>
          ))}
        </Menu>
        <button
          type="button"
          className="icon-button"
          aria-label="Download these rows as CSV"
          title={saving === null ? "Download these rows as CSV" : `${formatCount(saving)} rows…`}
          disabled={saving !== null}
          onClick={() => void save()}
        >
          <Download size={15} />
        </button>
      </div>
      {saveError && <p className="media-trouble">{saveError}</p>}
      {pages.error && <p className="media-trouble">{pages.error.message}</p>}
      <div
        ref={scroller}
        className="table-body"
        role={head?.groups ? "region" : "table"}
        aria-label={name}
        aria-rowcount={head?.groups ? undefined : match + 1}
        aria-busy={pages.loading}
        tabIndex={0}
      >
        {!head?.groups && (
          <div className="table-head" role="row" style={{ gridTemplateColumns: template }}>
            <span role="columnheader" className="row-number">
              <span className="visually-hidden">Row</span>
            </span>
            {shown.map((column) => (
              <ColumnHead
                key={column.name}
                column={column}
                width={widthOf(column)}
                sorted={sort?.column === column.name ? (sort.desc ? "descending" : "ascending") : null}
                grouped={group.includes(column.name)}
                onSort={(desc) => setSort(desc === null ? null : { column: column.name, desc })}
                onGroup={() =>
                  setGroup(
                    group.includes(column.name)
                      ? group.filter((other) => other !== column.name)
                      : [...group, column.name],
                  )
                }
                onHide={() => setHidden(new Set([...hidden, column.name]))}
                onFilter={(filter) => setFilters([...filters, filter])}
                onWidth={(width) => setWidths(new Map(widths).set(column.name, width))}
              />
            ))}
          </div>
        )}
        {head?.groups ? (
          <GroupRows
            groups={head.groups}
            by={group}
            columns={columns}
            onOpen={(values) => {
              setFilters([
                ...filters,
                ...group.map((column, i): TableFilter => {
                  const wanted = values[i];
                  return wanted === null || wanted === undefined
                    ? { column, op: "missing" }
                    : { column, op: "=", value: wanted as string | number | boolean };
                }),
              ]);
              setGroup([]);
            }}
          />
        ) : (
          <div role="rowgroup" className="table-rows" style={{ height: `${rows.getTotalSize()}px` }}>
            {rows.getVirtualItems().map((item) => {
              const row = pages.row(item.index);
              return (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the number of the row is the button for the keyboard
                <div
                  key={item.key}
                  role="row"
                  tabIndex={-1}
                  aria-rowindex={item.index + 2}
                  className="table-row"
                  style={{
                    gridTemplateColumns: template,
                    height: `${rowHeight}px`,
                    transform: `translateY(${item.start}px)`,
                  }}
                  onClick={(event) => {
                    if (!(event.target as Element).closest("button, audio, [role=slider]"))
                      setOpened(item.index);
                  }}
                >
                  <span role="cell" className="row-number">
                    <button
                      type="button"
                      aria-label={`Open row ${item.index + 1}`}
                      onClick={() => setOpened(item.index)}
                    >
                      {formatCount(item.index + 1)}
                    </button>
                  </span>
                  {shown.map((column) => (
                    <span role="cell" key={column.name} className={isNumeric(column.type) ? "numeric" : ""}>
                      {row && (
                        <TableCell
                          runKey={runKey}
                          cell={row[columns.indexOf(column)]}
                          type={column.type}
                          column={column.name}
                        />
                      )}
                    </span>
                  ))}
                </div>
              );
            })}
          </div>
        )}
        {head && match === 0 && <p className="list-empty">No row matches.</p>}
      </div>
      <RowDialog
        runKey={runKey}
        columns={columns}
        index={opened}
        row={opened === null ? null : pages.row(opened)}
        onClose={() => setOpened(null)}
      />
      <Dialog
        title={`${name}: projection`}
        open={projecting}
        onClose={() => setProjecting(false)}
        size="full"
      >
        {projecting && (
          <Suspense fallback={<div className="media-note pulse" />}>
            <Projector runKey={runKey} value={value} columns={columns} />
          </Suspense>
        )}
      </Dialog>
    </div>
  );
}
