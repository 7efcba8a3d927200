import { Columns3, Eye, EyeOff, GripVertical, LineChart, Pin, Plus, Search, X } from "lucide-react";
import { Popover } from "radix-ui";
import { type FormEvent, type KeyboardEvent, useMemo, useRef, useState } from "react";
import { type Column, type ColumnAgg, columnName, METRIC } from "@/api/columns";
import { Choice } from "@/ui/Choice";
import { formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { Picker } from "@/ui/Picker";
import { Segmented } from "@/ui/Segmented";
import { columnLabel } from "./CellValue";
import type { CatalogEntry } from "./catalog";
import { changeColumn, changeColumns } from "./HeadRow";
import { changeTable, idOf, moveColumn, type TableColumn, tableColumn } from "./tableState";

interface ColumnManagerProps {
  columns: readonly TableColumn[];
  catalog: readonly CatalogEntry[];
}

type Order = "spread" | "name";

/** Offers more than these are found by typing. */
const OFFERED = 120;

/** What the table shows, in which order, and all that it could show. */
export function ColumnManager({ columns, catalog }: ColumnManagerProps) {
  const shown = columns.filter(({ hidden }) => !hidden).length;
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className="button">
          <Columns3 size={14} />
          <span className="button-text">Columns</span> <span className="count">{shown}</span>
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover column-manager"
          align="end"
          sideOffset={6}
          collisionPadding={8}
          aria-label="Columns"
        >
          <Manager columns={columns} catalog={catalog} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Manager({ columns, catalog }: ColumnManagerProps) {
  const [text, setText] = useState("");
  const [order, setOrder] = useState<Order>("spread");
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (label: string) => words.every((word) => label.toLowerCase().includes(word));
  const here = new Set(columns.map(idOf));
  const offered = useMemo(() => orderEntries(catalog, order), [catalog, order]).filter(
    (entry) => !here.has(idOf(entry)) && matches(`${columnLabel(entry)} ${entry.section}`),
  );
  const add = (entry: Pick<CatalogEntry, "column" | "spark">) =>
    changeColumns(columns, (now) => [...now, tableColumn(entry.column, { spark: entry.spark })]);
  return (
    <>
      <div className="field">
        <Search size={14} aria-hidden="true" />
        <input
          aria-label="Search columns"
          placeholder="Search columns"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <div className="manager-lists">
        <section aria-label="Columns in the table">
          <header>
            <h3>In the table</h3>
            <span className="grow" />
            <button type="button" className="link" onClick={() => changeTable({ columns: null })}>
              Reset
            </button>
          </header>
          <ShownList columns={columns} matches={matches} />
          <p className="manager-note">Drag, or Alt + ↑ ↓ on a name, to reorder.</p>
        </section>
        <section aria-label="More columns">
          <header>
            <h3>More</h3>
            <span className="grow" />
            <Segmented
              label="Order"
              value={order}
              options={[
                ["spread", "Varies most"],
                ["name", "By name"],
              ]}
              onChange={setOrder}
            />
          </header>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <ul className="manager-list" tabIndex={0} aria-label="Columns that can be added">
            {offered.slice(0, OFFERED).map((entry) => (
              <li key={idOf(entry)}>
                <button type="button" className="manager-add" onClick={() => add(entry)}>
                  {entry.spark ? <LineChart size={13} /> : <Plus size={13} />}
                  <span className="manager-name">{columnName(entry.column).name}</span>
                  <small>{entry.spark ? "curve" : columnName(entry.column).note || entry.section}</small>
                  <Varies entry={entry} />
                </button>
              </li>
            ))}
            {offered.length === 0 && <li className="list-empty">Nothing found.</li>}
            {offered.length > OFFERED && (
              <li className="list-empty">{formatCount(offered.length - OFFERED)} more: type to find them.</li>
            )}
          </ul>
        </section>
      </div>
      <MetricForm catalog={catalog} onAdd={(column) => add({ column, spark: false })} />
    </>
  );
}

/** How much a column varies, as a bar. */
function Varies({ entry }: { entry: CatalogEntry }) {
  if (entry.spread === null) return null;
  const percent = Math.round(entry.spread * 100);
  return (
    <span
      className="varies"
      title={`Varies ${percent} %${entry.distinct === null ? "" : ` · ${formatCount(entry.distinct)} values`}`}
    >
      <i style={{ width: `${percent}%` }} />
    </span>
  );
}

export function orderEntries(catalog: readonly CatalogEntry[], order: Order): CatalogEntry[] {
  if (order === "name") {
    return [...catalog].sort((a, b) => columnLabel(a).localeCompare(columnLabel(b), "en", { numeric: true }));
  }
  // Names and times differ for every run, which tells nothing. Where nothing is known, the order of the catalogue stays.
  const own = ({ section }: CatalogEntry) => Number(section === "run");
  return [...catalog].sort((a, b) => own(a) - own(b) || (b.spread ?? -1) - (a.spread ?? -1));
}

interface ShownListProps {
  columns: readonly TableColumn[];
  matches(label: string): boolean;
}

function ShownList({ columns, matches }: ShownListProps) {
  const [target, setTarget] = useState<string | null>(null);
  const dragged = useRef<string | null>(null);
  const move = (id: string, step: number) => {
    const at = columns.findIndex((column) => idOf(column) === id);
    const beside = columns[at + step];
    if (beside) changeColumns(columns, (now) => moveColumn(now, id, idOf(beside), step > 0));
  };
  const onKeyDown = (event: KeyboardEvent, id: string) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    move(id, event.key === "ArrowUp" ? -1 : 1);
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <ul className="manager-list" tabIndex={0} aria-label="Columns in the table, in order">
      {columns
        .filter((column) => matches(columnLabel(column)))
        .map((column) => {
          const id = idOf(column);
          const label = columnLabel(column);
          return (
            <li
              key={id}
              data-managed={id}
              className={`managed ${column.hidden ? "off" : ""} ${target === id ? "drop" : ""}`}
            >
              <i
                className="grip"
                aria-hidden="true"
                onPointerDown={(event) => {
                  dragged.current = id;
                  event.currentTarget.setPointerCapture(event.pointerId);
                }}
                onPointerMove={(event) => {
                  if (dragged.current === null) return;
                  const over = document
                    .elementFromPoint(event.clientX, event.clientY)
                    ?.closest<HTMLElement>("[data-managed]");
                  setTarget(over?.dataset.managed ?? null);
                }}
                onPointerUp={() => {
                  const [from, to] = [dragged.current, target];
                  dragged.current = null;
                  setTarget(null);
                  if (from === null || to === null) return;
                  const behind =
                    columns.findIndex((other) => idOf(other) === from) <
                    columns.findIndex((other) => idOf(other) === to);
                  changeColumns(columns, (now) => moveColumn(now, from, to, behind));
                }}
              >
                <GripVertical size={13} />
              </i>
              <button
                type="button"
                className="manager-name"
                aria-label={`${label}. Alt and arrow up or down move it`}
                onKeyDown={(event) => onKeyDown(event, id)}
              >
                {columnName(column.column).name}
                <small> {column.spark ? "curve" : columnName(column.column).note}</small>
              </button>
              <IconButton
                label={column.pinned ? `Unpin ${label}` : `Pin ${label}`}
                pressed={column.pinned}
                className="toggle-icon"
                onClick={() => changeColumn(columns, id, { pinned: !column.pinned })}
              >
                <Pin size={12} />
              </IconButton>
              <IconButton
                label={column.hidden ? `Show ${label}` : `Hide ${label}`}
                onClick={() => changeColumn(columns, id, { hidden: !column.hidden })}
              >
                {column.hidden ? <EyeOff size={13} /> : <Eye size={13} />}
              </IconButton>
              {column.column.by !== "name" && (
                <IconButton
                  label={`Remove ${label}`}
                  onClick={() => changeColumns(columns, (now) => now.filter((other) => idOf(other) !== id))}
                >
                  <X size={13} />
                </IconButton>
              )}
            </li>
          );
        })}
    </ul>
  );
}

const AGGS: readonly (readonly [ColumnAgg, string])[] = [
  ["last", "last value"],
  ["min", "lowest"],
  ["max", "highest"],
  ["mean", "mean"],
  ["first", "first value"],
  ["at", "at a step"],
  ["when", "where another is best"],
  ["n", "number of points"],
  ["last_step", "last step"],
];

/** A value of a metric that the list does not offer by itself: at a step, or where another metric is best. */
function MetricForm({ catalog, onAdd }: { catalog: readonly CatalogEntry[]; onAdd(column: Column): void }) {
  const metrics = catalog.filter(({ section, spark }) => section === "metric" && !spark);
  const [metric, setMetric] = useState<string | null>(null);
  const [agg, setAgg] = useState<ColumnAgg>("last");
  const [step, setStep] = useState("");
  const [other, setOther] = useState<string | null>(null);
  const [best, setBest] = useState<"min" | "max">("min");
  const options = metrics.map(({ column }) => ({
    value: column.by,
    label: columnName(column).name,
    note: "",
  }));
  const column = columnFrom(metric, agg, step, other, best);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (column) onAdd(column);
  };
  const picker = (label: string, value: string | null, onPick: (value: string) => void) => (
    <Picker
      label={label}
      options={options}
      selected={value === null ? [] : [value]}
      onPick={onPick}
      trigger={
        <button type="button" className="button">
          <span className="button-text">{value === null ? `${label}…` : value.slice(METRIC.length)}</span>
        </button>
      }
    />
  );
  if (metrics.length === 0) return null;
  return (
    <form className="metric-form" aria-label="Another value of a metric" onSubmit={submit}>
      {picker("Metric", metric, setMetric)}
      <Choice label="Which value" value={agg} options={AGGS} onChange={setAgg} />
      {agg === "at" && (
        <input
          className="text-input"
          aria-label="Step"
          placeholder="step"
          inputMode="numeric"
          value={step}
          onChange={(event) => setStep(event.target.value)}
        />
      )}
      {agg === "when" && (
        <>
          {picker("Other metric", other, setOther)}
          <Choice
            label="Best is"
            value={best}
            options={[
              ["min", "is lowest"],
              ["max", "is highest"],
            ]}
            onChange={setBest}
          />
        </>
      )}
      <button type="submit" className="button" disabled={!column}>
        <Plus size={13} />
        Add
      </button>
    </form>
  );
}

/** The column that a form describes; null while it is not complete. */
export function columnFrom(
  metric: string | null,
  agg: ColumnAgg,
  step: string,
  other: string | null,
  best: "min" | "max",
): Column | null {
  if (metric === null) return null;
  if (agg === "at") {
    const at = Number(step);
    return step.trim() !== "" && Number.isSafeInteger(at) && at >= 0 ? { by: metric, agg, step: at } : null;
  }
  if (agg === "when") {
    return other === null ? null : { by: metric, agg, of: { key: other.slice(METRIC.length), agg: best } };
  }
  return { by: metric, agg };
}
