import { Moon, Sun } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { ChartHost } from "@/charts/ChartHost";
import { slotColor, slotDash } from "@/charts/core/palette";
import type { LineChart } from "@/charts/line";
import { flatten } from "@/features/run/flatten";
import { setHover } from "@/state/hover";
import { toggleTheme, useTheme } from "@/state/theme";
import { formatCount, formatDuration, formatMoment, formatNumber, formatValue } from "@/ui/humanize";
import { StateMark } from "@/ui/StateMark";
import { Swatch } from "@/ui/Swatch";
import { modelOf, type Points, readPoints, type View } from "./lines";
import { type PageIndex, type PageRun, pictureOf } from "./payload";

interface ExportPageProps {
  index: PageIndex;
  blocks: string[];
}

const TABS = ["Charts", "Table", "Media", "About"] as const;

/** An exported run or project: charts, table and pictures, from nothing but this file. */
export function ExportPage({ index, blocks }: ExportPageProps) {
  const theme = useTheme((store) => store.name);
  const [tab, setTab] = useState<(typeof TABS)[number]>("Charts");
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState("");
  const shown = useMemo(() => index.runs.filter(({ run_key }) => !hidden.has(run_key)), [index, hidden]);
  const toggle = (key: string) =>
    setHidden((now) => {
      const next = new Set(now);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  return (
    <div className="export">
      <header className="export-head">
        <h1>{index.title}</h1>
        <span className="muted">
          {index.runs.length === 1 ? "1 run" : `${formatCount(index.runs.length)} runs`} · exported{" "}
          {formatMoment(index.exported_at * 1000)}
        </span>
        <span className="grow" />
        <nav className="tabs" aria-label="What to show">
          {TABS.map((name) => (
            <button key={name} type="button" aria-pressed={tab === name} onClick={() => setTab(name)}>
              {name}
            </button>
          ))}
        </nav>
        <button type="button" className="icon-button" aria-label="Light or dark" onClick={toggleTheme}>
          {theme === "dark" ? <Sun size={16} /> : <Moon size={16} />}
        </button>
      </header>
      <div className="export-body">
        {index.runs.length > 1 && (
          <aside aria-label="Runs">
            <ul>
              {index.runs.map((run) => (
                <li key={run.run_key}>
                  <label
                    onPointerEnter={() => setHover({ id: run.run_key, cursor: null })}
                    onPointerLeave={() => setHover({ id: null, cursor: null })}
                  >
                    <input
                      type="checkbox"
                      checked={!hidden.has(run.run_key)}
                      onChange={() => toggle(run.run_key)}
                    />
                    <Swatch color={slotColor(run.number, theme)} dash={slotDash(run.number)} />
                    <span className="name">{run.name}</span>
                    <StateMark state={run.state} />
                  </label>
                </li>
              ))}
            </ul>
          </aside>
        )}
        <main id="main">
          {tab === "Charts" && <Charts runs={shown} blocks={blocks} search={search} onSearch={setSearch} />}
          {tab === "Table" && <RunsTable runs={shown} />}
          {tab === "Media" && <Pictures runs={shown} blocks={blocks} />}
          {tab === "About" && shown.map((run) => <About key={run.run_key} run={run} />)}
        </main>
      </div>
    </div>
  );
}

interface ChartsProps {
  runs: readonly PageRun[];
  blocks: string[];
  search: string;
  onSearch(text: string): void;
}

function Charts({ runs, blocks, search, onSearch }: ChartsProps) {
  const [view, setView] = useState<View>({ axis: "step", yLog: false, smoothing: 0 });
  const [range, setRange] = useState<readonly [number, number] | null>(null);
  const keys = useMemo(
    () => [...new Set(runs.flatMap(({ series }) => series.map(({ key }) => key)))].sort(),
    [runs],
  );
  const found = keys.filter((key) => key.toLowerCase().includes(search.toLowerCase()));
  return (
    <>
      <div className="export-bar">
        <input
          className="text-input"
          placeholder="Search metrics"
          aria-label="Search metrics"
          value={search}
          onChange={(event) => onSearch(event.target.value)}
        />
        <select
          className="choice"
          aria-label="X axis"
          value={view.axis}
          onChange={(event) => {
            setRange(null);
            setView({ ...view, axis: event.target.value as View["axis"] });
          }}
        >
          <option value="step">Step</option>
          <option value="relative">Time since start</option>
          <option value="wall">Wall time</option>
        </select>
        <label>
          <input
            type="checkbox"
            checked={view.yLog}
            onChange={(event) => setView({ ...view, yLog: event.target.checked })}
          />{" "}
          log y
        </label>
        <label>
          smoothing{" "}
          <input
            type="range"
            min={0}
            max={0.99}
            step={0.01}
            value={view.smoothing}
            onChange={(event) => setView({ ...view, smoothing: Number(event.target.value) })}
          />
        </label>
        {range && (
          <button type="button" className="button" onClick={() => setRange(null)}>
            Show all
          </button>
        )}
      </div>
      <div className="export-grid">
        {found.map((key) => (
          <Chart
            key={key}
            metric={key}
            runs={runs}
            blocks={blocks}
            view={view}
            range={range}
            onRange={setRange}
          />
        ))}
      </div>
      {keys.length === 0 && <p className="muted">No run that is shown has logged a number.</p>}
    </>
  );
}

interface ChartProps {
  metric: string;
  runs: readonly PageRun[];
  blocks: string[];
  view: View;
  range: readonly [number, number] | null;
  onRange(range: readonly [number, number] | null): void;
}

function Chart({ metric, runs, blocks, view, range, onRange }: ChartProps) {
  const theme = useTheme((store) => store.name);
  const [points, setPoints] = useState<Points[]>([]);
  const [readout, setReadout] = useState("");
  const [near, setNear] = useState(false);
  const place = useRef<HTMLElement>(null);
  const handle = useRef<LineChart | null>(null);
  useEffect(() => {
    const node = place.current;
    if (!node) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && setNear(true), {
      rootMargin: "300px",
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!near) return;
    let alive = true;
    void readPoints(runs, metric, blocks).then((found) => alive && setPoints(found));
    return () => {
      alive = false;
    };
  }, [runs, metric, blocks, near]);
  const model = useMemo(() => modelOf(points, view, range, theme), [points, view, range, theme]);
  const total = points.reduce((sum, { values }) => sum + values.length, 0);
  return (
    <section className="panel" aria-label={metric} ref={place}>
      <h2 title={metric}>
        <span className="name">{metric}</span>
        <output>{readout}</output>
      </h2>
      <div className="export-chart">
        <ChartHost
          id={metric}
          name={metric}
          handle={handle}
          model={model}
          theme={theme}
          counts={{ drawn: total, total }}
          onReadout={(text) => setReadout(text ?? "")}
          onFacts={() => undefined}
          onSize={() => undefined}
          onRange={(_axis, next) => onRange(next)}
          onReset={() => onRange(null)}
          onBack={() => onRange(null)}
          onOpen={() => undefined}
        />
      </div>
    </section>
  );
}

const COLUMNS_MAX = 200;

function RunsTable({ runs }: { runs: readonly PageRun[] }) {
  const theme = useTheme((store) => store.name);
  const [sort, setSort] = useState<{ key: string; down: boolean } | null>(null);
  const rows = useMemo(
    () =>
      runs.map((run) => ({
        run,
        cells: new Map<string, unknown>([
          ...flatten(run.config).map(([key, value]) => [`config.${key}`, value] as const),
          ...Object.entries(run.summary),
        ]),
      })),
    [runs],
  );
  const heads = useMemo(
    () => [...new Set(rows.flatMap(({ cells }) => [...cells.keys()]))].sort().slice(0, COLUMNS_MAX),
    [rows],
  );
  const sorted = useMemo(() => {
    if (!sort) return rows;
    const value = (row: (typeof rows)[number]) => row.cells.get(sort.key);
    return [...rows].sort((a, b) => compare(value(a), value(b)) * (sort.down ? -1 : 1));
  }, [rows, sort]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="export-table" tabIndex={0} aria-label="Runs">
      <table>
        <thead>
          <tr>
            <th scope="col">run</th>
            <th scope="col">state</th>
            <th scope="col">runtime</th>
            {heads.map((key) => (
              <th
                key={key}
                scope="col"
                aria-sort={sort?.key === key ? (sort.down ? "descending" : "ascending") : "none"}
              >
                <button type="button" onClick={() => setSort({ key, down: sort?.key === key && !sort.down })}>
                  {key}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ run, cells }) => (
            <tr key={run.run_key}>
              <th scope="row">
                <Swatch color={slotColor(run.number, theme)} dash={slotDash(run.number)} /> {run.name}
              </th>
              <td>{run.state}</td>
              <td>{run.runtime_s === null ? "" : formatDuration(run.runtime_s)}</td>
              {heads.map((key) => (
                <td key={key} className={typeof cells.get(key) === "number" ? "numeric" : ""}>
                  {cellText(cells.get(key))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  return String(a).localeCompare(String(b));
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "object" && "_type" in value) return `(${String(value._type)})`;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Pictures({ runs, blocks }: { runs: readonly PageRun[]; blocks: string[] }) {
  const all = runs.flatMap((run) => run.media.map((item) => ({ run, item })));
  if (all.length === 0) return <p className="muted">No run that is shown has logged anything but numbers.</p>;
  const left = new Map<string, { key: string; type: string; count: number }>();
  for (const { item } of all.filter(({ item }) => item.picture === undefined)) {
    const name = `${item.key} ${item.type}`;
    left.set(name, { key: item.key, type: item.type, count: (left.get(name)?.count ?? 0) + 1 });
  }
  return (
    <>
      <ul className="export-media">
        {all.map(({ run, item }, place) =>
          item.picture !== undefined && item.mime ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: they stand in one order for good
            <li key={place}>
              <img
                src={pictureOf(blocks, item.picture, item.mime)}
                alt={item.caption || item.key}
                loading="lazy"
              />
              <span>
                <b>{item.key}</b> step {formatCount(item.step)}
              </span>
              <span className="muted">
                {run.name}
                {item.caption && ` · ${item.caption}`}
              </span>
            </li>
          ) : null,
        )}
      </ul>
      {left.size > 0 && (
        <section className="block">
          <h2>Logged, but not in this page</h2>
          <dl>
            {[...left].map(([name, { key, type, count }]) => (
              <Fact
                key={name}
                name={key}
                value={`${type.replace(/-file$/, "")}${count > 1 ? ` × ${formatCount(count)}` : ""}`}
              />
            ))}
          </dl>
        </section>
      )}
    </>
  );
}

function About({ run }: { run: PageRun }) {
  const last = run.series.map(({ key, unit }) => [key, unit] as const);
  return (
    <section className="block">
      <h2>{run.name}</h2>
      {run.notes && <p className="notes">{run.notes}</p>}
      <dl>
        <Fact name="id" value={run.run_id} />
        <Fact name="started" value={formatMoment(run.created_at * 1000)} />
        <Fact name="state" value={run.state} />
        {run.group && <Fact name="group" value={run.group} />}
        {run.tags.length > 0 && <Fact name="tags" value={run.tags.join(", ")} />}
        {Object.entries(run.meta).map(([name, value]) => (
          <Fact key={name} name={name} value={cellText(value)} />
        ))}
      </dl>
      <h3>Config</h3>
      <dl>
        {flatten(run.config).map(([key, value]) => (
          <Fact key={key} name={key} value={cellText(value)} />
        ))}
      </dl>
      <h3>Summary</h3>
      <dl>
        {Object.entries(run.summary).map(([key, value]) => (
          <Fact
            key={key}
            name={key}
            value={
              typeof value === "number"
                ? formatValue(value, last.find(([name]) => name === key)?.[1] ?? null)
                : cellText(value)
            }
          />
        ))}
      </dl>
      {run.texts.length > 0 && (
        <>
          <h3>Texts</h3>
          <dl>
            {run.texts.slice(-50).map(([key, step, , text]) => (
              <Fact key={`${key} ${step}`} name={`${key}, step ${step}`} value={text} />
            ))}
          </dl>
        </>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
