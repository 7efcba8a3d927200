import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Check, ChevronDown, Copy, X } from "lucide-react";
import { useState } from "react";
import { type Column, columnName, METRIC, type RunSelection } from "@/api/columns";
import { fetchPivot, type PivotAsk, type PivotCell } from "@/api/comparison";
import { queryKeys } from "@/api/queries";
import { postBody } from "@/api/request";
import type { Goal } from "@/api/statistics";
import { parseNumber } from "@/api/types";
import { Choice } from "@/ui/Choice";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatCount, formatExact, formatSpread } from "@/ui/humanize";
import { Picker } from "@/ui/Picker";
import { showValue } from "../workspace/groups";
import type { CatalogEntry } from "./catalog";
import { changeTable, type PivotSpec, useTable } from "./tableState";

interface PivotTableProps {
  selection: RunSelection;
  catalog: readonly CatalogEntry[];
  /** What counts as better for a metric, if it says so. */
  goalOf(column: Column): Goal | null;
}

/** Runs gathered by one or several columns in both directions; each cell is mean ± std (n), the best in bold. */
export function PivotTable({ selection, catalog, goalOf }: PivotTableProps) {
  const spec = useTable((table) => table.pivot);
  const value = spec.value;
  const ask: PivotAsk | null =
    value && (spec.rows.length > 0 || spec.columns.length > 0)
      ? { rows: spec.rows, columns: spec.columns, value, goal: spec.goal ?? goalOf(value) }
      : null;
  return (
    <div className="pivot">
      <PivotBar spec={spec} catalog={catalog} ask={ask} selection={selection} />
      {ask ? (
        <PivotCells selection={selection} ask={ask} />
      ) : (
        <div className="empty">
          <b>Choose what to set against what</b>
          <span>
            Rows and columns are config keys or other columns with few values; a cell is the mean ± standard
            deviation of a metric over the runs that share both.
          </span>
        </div>
      )}
    </div>
  );
}

/** A key with more values than these makes a table that nobody reads. */
const FEW_VALUES = 40;
const AGGS = [
  ["last", "last"],
  ["min", "min"],
  ["max", "max"],
  ["mean", "mean"],
  ["first", "first"],
] as const;

interface PivotBarProps {
  spec: PivotSpec;
  catalog: readonly CatalogEntry[];
  ask: PivotAsk | null;
  selection: RunSelection;
}

function PivotBar({ spec, catalog, ask, selection }: PivotBarProps) {
  const change = (next: Partial<PivotSpec>) => changeTable({ pivot: { ...spec, ...next } });
  const keys = catalog
    .filter(({ section, spark }) => section !== "metric" && !spark)
    .filter(({ distinct, section }) => section === "config" || distinct === null || distinct <= FEW_VALUES)
    .map(({ column, distinct, section }) => ({
      value: column.by,
      label: columnName(column).name,
      note: distinct === null ? section : `${formatCount(distinct)} values`,
    }));
  const numbers = catalog
    .filter(({ kind, spark }) => kind === "number" && !spark)
    .map(({ column, section }) => ({ value: column.by, label: columnName(column).name, note: section }));
  const list = (label: string, chosen: readonly string[], onChange: (next: string[]) => void) => (
    <div className="chips pivot-list">
      <span className="label">{label}</span>
      {chosen.map((by) => (
        <button
          type="button"
          key={by}
          className="chip on"
          aria-label={`Remove ${by} from ${label}`}
          onClick={() => onChange(chosen.filter((other) => other !== by))}
        >
          <span className="chip-text">{columnName({ by }).name}</span>
          <X size={12} />
        </button>
      ))}
      <Picker
        label={label}
        options={keys.filter(({ value }) => ![...spec.rows, ...spec.columns].includes(value))}
        selected={chosen}
        keepOpen
        onPick={(by) =>
          onChange(chosen.includes(by) ? chosen.filter((other) => other !== by) : [...chosen, by])
        }
        trigger={
          <button type="button" className="chip">
            Add…
          </button>
        }
      />
    </div>
  );
  const metric = spec.value?.by.startsWith(METRIC) ? spec.value : null;
  const agg = AGGS.find(([candidate]) => candidate === metric?.agg)?.[0] ?? "last";
  return (
    <div className="pivot-bar" role="toolbar" aria-label="Pivot">
      {list("Rows", spec.rows, (rows) => change({ rows }))}
      {list("Columns", spec.columns, (columns) => change({ columns }))}
      <div className="chips pivot-list">
        <span className="label">Cell</span>
        <Picker
          label="Value"
          options={numbers}
          selected={spec.value ? [spec.value.by] : []}
          onPick={(by) => {
            const found = catalog.find(({ column, spark }) => column.by === by && !spark);
            change({ value: found?.column ?? { by } });
          }}
          trigger={
            <button type="button" className="button">
              <span className="button-text">{spec.value ? columnName(spec.value).name : "Value…"}</span>
              <ChevronDown size={13} />
            </button>
          }
        />
        {metric && (
          <Choice
            label="Which value of the metric"
            value={agg}
            options={AGGS}
            onChange={(next) => change({ value: { by: metric.by, agg: next } })}
          />
        )}
        <Choice
          label="Best is"
          value={spec.goal ?? "auto"}
          options={[
            ["auto", "best: as declared"],
            ["min", "best: lowest"],
            ["max", "best: highest"],
          ]}
          onChange={(goal) => change({ goal: goal === "auto" ? null : goal })}
        />
      </div>
      <span className="grow" />
      {ask && <CopyPivot selection={selection} ask={ask} format="latex" label="Copy LaTeX" />}
      {ask && <CopyPivot selection={selection} ask={ask} format="markdown" label="Copy Markdown" />}
    </div>
  );
}

interface CopyPivotProps {
  selection: RunSelection;
  ask: PivotAsk;
  format: "latex" | "markdown";
  label: string;
}

function CopyPivot({ selection, ask, format, label }: CopyPivotProps) {
  const [state, setState] = useState<"" | "copied" | "failed">("");
  const copy = async () => {
    try {
      const reply = await postBody(`runs/pivot?format=${format}`, { ...selection, ...ask });
      await navigator.clipboard.writeText(await reply.text());
      setState("copied");
    } catch {
      setState("failed");
    }
    setTimeout(() => setState(""), 2_000);
  };
  return (
    <button type="button" className="button" onClick={() => void copy()}>
      {state === "copied" ? <Check size={14} /> : <Copy size={14} />}
      <span>{state === "copied" ? "Copied" : state === "failed" ? "Not copied" : label}</span>
    </button>
  );
}

function PivotCells({ selection, ask }: { selection: RunSelection; ask: PivotAsk }) {
  const pivot = useQuery({
    queryKey: [...queryKeys.runs(selection.entity, selection.project), "pivot", selection, ask],
    queryFn: ({ signal }) => fetchPivot(selection, ask, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
  if (pivot.error) return <ErrorNote error={pivot.error} />;
  if (!pivot.data) return <div className="table-note" aria-busy="true" />;
  const { rows, columns, cells, best, goal } = pivot.data;
  if (rows.length === 0 || columns.length === 0) {
    return <p className="list-empty">No run that matches has all of these.</p>;
  }
  const { name, note } = columnName(ask.value);
  return (
    <section
      className="pivot-scroll"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      aria-label={`${name} by ${[...ask.rows, ...ask.columns].join(", ")}`}
    >
      <table className="pivot-table">
        <caption>
          {name} {note}: mean ± standard deviation (n − 1)
          {goal ? `; the ${goal === "min" ? "lowest" : "highest"} mean of each row in bold` : ""}
        </caption>
        <thead>
          <tr>
            {ask.rows.map((by) => (
              <th key={by} scope="col" className="pivot-key">
                {columnName({ by }).name}
              </th>
            ))}
            {columns.map((path) => (
              <th key={JSON.stringify(path)} scope="col">
                {path.length === 0 ? name : path.map((part) => showValue(part)).join(" · ")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((path, i) => (
            <tr key={JSON.stringify(path)}>
              {path.map((part, j) => (
                <th key={ask.rows[j]} scope="row">
                  {showValue(part)}
                </th>
              ))}
              {columns.map((column, j) => (
                <td key={JSON.stringify(column)} className={best[i]?.[j] ? "best" : ""}>
                  <PivotValue cell={cells[i]?.[j] ?? null} best={best[i]?.[j] ?? false} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function PivotValue({ cell, best }: { cell: PivotCell | null; best: boolean }) {
  if (!cell) return <span className="cell-missing">–</span>;
  const [mean, std] = [parseNumber(cell.mean), parseNumber(cell.std)];
  if (mean === null) return <span className="cell-missing">–</span>;
  if (Number.isNaN(mean)) return <span className="cell-nan">NaN</span>;
  const shown = formatSpread(mean, cell.n > 1 ? (std ?? 0) : 0);
  return (
    <span title={`mean ${formatExact(mean)}, std ${formatExact(std ?? 0)}, n ${cell.n}`}>
      {best && <span className="visually-hidden">best: </span>}
      {shown.mean}
      {shown.deviation !== null && <small> ± {shown.deviation}</small>}
      <small className="pivot-n"> ({formatCount(cell.n)})</small>
    </span>
  );
}
