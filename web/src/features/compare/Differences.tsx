import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, Search } from "lucide-react";
import { useState } from "react";
import type { ComparedRow, ComparedRun, Comparison } from "@/api/comparison";
import { valueText } from "@/api/matrix";
import { slotColor, slotDash } from "@/charts/core/palette";
import { useTheme } from "@/state/theme";
import { formatCount, formatExact, formatNumber } from "@/ui/humanize";
import { StateMark } from "@/ui/StateMark";
import { Swatch } from "@/ui/Swatch";

interface DifferencesProps {
  comparison: Comparison;
  /** Key of the run to which the others are set. */
  base: string;
  all: boolean;
  onAll(all: boolean): void;
}

const TITLES: Readonly<Record<string, string>> = {
  config: "Config",
  summary: "Summary",
  packages: "Packages",
  hardware: "Hardware",
  command: "Command",
  code: "Code",
  inputs: "Inputs",
  environment: "Environment",
};

/** Rows of a section that are drawn at once; the rest is found by searching. */
const ROWS = 300;

/** Everything that is known of the runs, row by row; at first only where they differ. */
export function Differences({ comparison, base, all, onAll }: DifferencesProps) {
  const [text, setText] = useState("");
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const theme = useTheme((store) => store.name);
  const { runs, sections } = comparison;
  const order = [...runs.keys()].sort(
    (a, b) => Number(runs[b]?.run_key === base) - Number(runs[a]?.run_key === base),
  );
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = sections
    .map(({ section, rows, same }) => ({
      section,
      same,
      rows: rows.filter(
        (row) =>
          (all || row.differs) && words.every((word) => `${section} ${row.key}`.toLowerCase().includes(word)),
      ),
    }))
    .filter(({ rows }) => rows.length > 0);
  const differing = sections.reduce((sum, { rows }) => sum + rows.filter(({ differs }) => differs).length, 0);
  const same = sections.reduce((sum, section) => sum + section.same, 0);
  const toggle = (section: string) =>
    setFolded((now) => {
      const next = new Set(now);
      if (!next.delete(section)) next.add(section);
      return next;
    });
  return (
    <>
      <div className="compare-bar">
        <div className="field">
          <Search size={14} aria-hidden="true" />
          <input
            type="search"
            aria-label="Search rows"
            placeholder="Search rows"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <button type="button" className="button toggle" aria-pressed={!all} onClick={() => onAll(!all)}>
          Only differences
        </button>
        <span className="muted">
          {formatCount(differing)} {differing === 1 ? "row differs" : "rows differ"}, {formatCount(same)} are
          equal
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="compare-scroll" tabIndex={0} aria-label="Differences">
        <table className="compare-table">
          <thead>
            <tr>
              <th scope="col" className="compare-key">
                <span className="visually-hidden">Key</span>
              </th>
              {order.map(
                (i) => runs[i] && <RunHead key={runs[i].run_key} run={runs[i]} base={base} theme={theme} />,
              )}
            </tr>
          </thead>
          {found.map(({ section, rows }) => (
            <tbody key={section}>
              <tr className="compare-section">
                <th colSpan={runs.length + 1} scope="rowgroup">
                  <button type="button" aria-expanded={!folded.has(section)} onClick={() => toggle(section)}>
                    {folded.has(section) ? <ChevronRight size={14} /> : <ChevronDown size={14} />}
                    {TITLES[section] ?? section}
                    <span className="count">{formatCount(rows.length)}</span>
                  </button>
                </th>
              </tr>
              {!folded.has(section) &&
                rows
                  .slice(0, ROWS)
                  .map((row) => (
                    <DifferenceRow
                      key={row.key}
                      row={row}
                      order={order}
                      base={runs.findIndex(({ run_key }) => run_key === base)}
                    />
                  ))}
              {!folded.has(section) && rows.length > ROWS && (
                <tr>
                  <td colSpan={runs.length + 1} className="muted">
                    {formatCount(rows.length - ROWS)} more rows: search to find them.
                  </td>
                </tr>
              )}
            </tbody>
          ))}
        </table>
        {found.length === 0 && (
          <div className="empty">
            <b>{text ? "No row matches" : "These runs are equal in everything that is known of them"}</b>
          </div>
        )}
      </section>
    </>
  );
}

function RunHead({ run, base, theme }: { run: ComparedRun; base: string; theme: "light" | "dark" }) {
  return (
    <th scope="col">
      <Link
        to="/$entity/$project/runs/$run_id/$tab"
        params={{ entity: run.entity, project: run.project, run_id: run.run_id, tab: "overview" }}
        title={run.name}
      >
        <Swatch color={slotColor(run.number, theme)} dash={slotDash(run.number)} />
        <span>{run.name}</span>
        <StateMark state={run.state} />
      </Link>
      {run.run_key === base && <span className="badge accent">baseline</span>}
    </th>
  );
}

function DifferenceRow({ row, order, base }: { row: ComparedRow; order: readonly number[]; base: number }) {
  const text = (i: number) => (row.present[i] ? valueText(row.values[i]) : null);
  const baseText = text(base);
  return (
    <tr className={row.differs ? "" : "same"}>
      <th scope="row" className="compare-key" title={row.key}>
        {row.key}
      </th>
      {order.map((i) => {
        const shown = text(i);
        const differs = i !== base && shown !== baseText;
        return (
          <td key={i} className={differs ? "differs" : ""}>
            {shown === null ? (
              <span className="cell-missing">not set</span>
            ) : (
              <ComparedValue value={row.values[i]} base={differs ? row.values[base] : undefined} />
            )}
          </td>
        );
      })}
    </tr>
  );
}

function ComparedValue({ value, base }: { value: unknown; base: unknown }) {
  const text = valueText(value);
  if (typeof value !== "number") {
    return (
      <span title={text.length > 60 ? text : undefined}>
        {text === "" ? <i className="muted">empty</i> : text}
      </span>
    );
  }
  const change = typeof base === "number" && base !== 0 ? ((value - base) / Math.abs(base)) * 100 : null;
  return (
    <>
      <span title={formatExact(value)}>{formatNumber(value)}</span>
      {change !== null && Number.isFinite(change) && Math.abs(change) < 1000 && (
        <span className="delta">
          {change > 0 ? "▴" : "▾"}
          {formatNumber(Number.parseFloat(Math.abs(change).toPrecision(2)))}%
        </span>
      )}
    </>
  );
}
