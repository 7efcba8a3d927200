import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Series } from "@/api/frames";
import {
  fetchHeatmap,
  fetchProcessSeries,
  type Heatmap,
  type ProcessAxis,
  type ProcessKey,
  type Where,
} from "@/api/processes";
import { ChartHost } from "@/charts/ChartHost";
import type { Card } from "@/charts/card";
import { at } from "@/charts/core/columns";
import { type ChartModel, EMPTY_MODEL, type Line } from "@/charts/core/model";
import { slotColor, type ThemeName } from "@/charts/core/palette";
import { rampColor } from "@/charts/core/ramp";
import { type HeatmapModel, heatmapPainter } from "@/charts/heatmap";
import type { LineChart } from "@/charts/line";
import { PlotHost } from "@/charts/PlotHost";
import { useTheme } from "@/state/theme";
import { formatNumber, formatValue } from "@/ui/humanize";
import { useInView } from "@/ui/useInView";
import { useSize } from "@/ui/useSize";
import type { ChartForm } from "./address";

interface Ranked {
  id: string;
  rank: number;
}

interface ProcessChartProps {
  where: Where;
  info: ProcessKey;
  processes: readonly Ranked[];
  chosen: readonly string[];
  form: ChartForm;
  axis: ProcessAxis;
  range: readonly [number, number] | null;
  running: boolean;
  onRange(range: readonly [number, number] | null): void;
}

const RUNNING_EVERY_MS = 5_000;
/** Widths between which the same points are asked for. */
const BUCKETS_EACH = 100;
const HEATMAP_COLUMN_PX = 4;
/** The name under which the band over all processes is hovered. */
const BAND = "band";

/** One metric over the processes of a job: lowest, mean and highest, a line for each, or rank × time. */
export function ProcessChart(props: ProcessChartProps) {
  const { info, chosen, form, axis, range } = props;
  const theme = useTheme((store) => store.name);
  const [frame, visible] = useInView<HTMLElement>();
  const [width, setWidth] = useState(0);
  const only = chosen.length > 0 ? chosen : null;
  // A sensor has no steps: it is drawn over the time since the start.
  const x = info.kind === "system" && axis === "step" ? "relative" : axis;
  const shownRange = x === axis ? range : null;
  const buckets = Math.max(BUCKETS_EACH, Math.ceil(width / BUCKETS_EACH) * BUCKETS_EACH);
  const asked = { where: props.where, key: info.key, only, x, range: shownRange };
  const options = {
    enabled: visible && width > 0,
    placeholderData: keepPreviousData,
    refetchInterval: props.running ? RUNNING_EVERY_MS : (false as const),
    retry: false,
  };
  const lines = useQuery({
    queryKey: ["processes", "series", asked, form, buckets],
    queryFn: ({ signal }) =>
      fetchProcessSeries(
        props.where,
        {
          processes: only,
          keys: [info.key],
          x,
          range: shownRange,
          buckets,
          form: form === "each" ? "each" : "band",
        },
        signal,
      ),
    ...options,
    enabled: options.enabled && form !== "heatmap",
  });
  const columns = Math.max(1, Math.ceil(buckets / HEATMAP_COLUMN_PX));
  const heat = useQuery({
    queryKey: ["processes", "heatmap", asked, columns],
    queryFn: ({ signal }) =>
      fetchHeatmap(props.where, { processes: only, key: info.key, x, range: shownRange, columns }, signal),
    ...options,
    enabled: options.enabled && form === "heatmap",
  });
  const error = form === "heatmap" ? heat.error : lines.error;
  const slash = info.key.lastIndexOf("/") + 1;
  const count = only?.length ?? info.processes;
  return (
    <article ref={frame} className="panel process-chart" data-panel={info.key} aria-label={info.key}>
      <header>
        <h3 title={info.key}>
          {slash > 0 && <span>{info.key.slice(0, slash)}</span>}
          {info.key.slice(slash)}
        </h3>
        <span className="grow" />
        <small className="muted">
          {count} {count === 1 ? "process" : "processes"}
        </small>
        {range && x === axis && (
          <button type="button" className="link" onClick={() => props.onRange(null)}>
            Show all
          </button>
        )}
      </header>
      <div className="panel-body">
        {form === "heatmap" ? (
          <HeatmapView
            name={info.key}
            heatmap={heat.data ?? null}
            unit={info.unit}
            theme={theme}
            onWidth={setWidth}
          />
        ) : (
          <LinesView
            {...props}
            axis={x}
            shownRange={shownRange}
            series={lines.data?.series ?? NO_SERIES}
            theme={theme}
            onWidth={setWidth}
          />
        )}
        {error && <p className="panel-error">{error.message}</p>}
      </div>
      {form === "heatmap" && heat.data && Number.isFinite(heat.data.lo) && (
        <footer>
          <Scale heatmap={heat.data} unit={info.unit} theme={theme} />
        </footer>
      )}
      {form === "band" && count > 1 && (
        <footer className="muted">mean, lowest and highest over the ranks</footer>
      )}
    </article>
  );
}

const NO_SERIES: readonly Series[] = [];

interface LinesViewProps extends ProcessChartProps {
  shownRange: readonly [number, number] | null;
  series: readonly Series[];
  theme: ThemeName;
  onWidth(width: number): void;
}

function LinesView(props: LinesViewProps) {
  const { info, processes, form, axis, shownRange, series, theme } = props;
  const chart = useRef<LineChart | null>(null);
  const [moving, setMoving] = useState<readonly [number, number] | null>(null);
  const model = useMemo((): ChartModel => {
    const ranks = new Map(processes.map(({ id, rank }) => [id, rank]));
    const every = new Set(ranks.keys());
    return {
      ...EMPTY_MODEL,
      lines: series.map((one) => lineOf(one, form === "each" ? ranks : null, every, theme)),
      axis,
      unit: info.unit,
      yMode: "fit",
      xRange: moving ?? shownRange,
    };
  }, [series, processes, form, axis, info.unit, shownRange, moving, theme]);
  return (
    <ChartHost
      id={info.key}
      name={info.key}
      handle={chart}
      model={model}
      theme={theme}
      counts={{
        drawn: series.reduce((sum, { x }) => sum + x.length, 0),
        total: series.reduce((sum, { total }) => sum + total, 0),
      }}
      onReadout={() => undefined}
      onFacts={() => undefined}
      onSize={props.onWidth}
      onRange={(_, next, final) => {
        setMoving(final ? null : next);
        if (final) props.onRange(next);
      }}
      onReset={() => props.onRange(null)}
      onBack={() => props.onRange(null)}
      onOpen={() => undefined}
    />
  );
}

/** *ranks* is null for the band over all processes. */
function lineOf(
  series: Series,
  ranks: ReadonlyMap<string, number> | null,
  every: ReadonlySet<string>,
  theme: ThemeName,
): Line {
  const rank = ranks?.get(series.process ?? "") ?? 0;
  const id = ranks ? (series.process ?? "") : BAND;
  return {
    id,
    subject: id,
    stand: "normal",
    label: ranks ? `rank ${rank}` : "mean of the ranks",
    color: slotColor(rank, theme),
    dash: [],
    x: series.x,
    y: series.y,
    raw: null,
    lo: series.lo,
    hi: series.hi,
    nonfinite: series.nonfinite,
    ghost: series.ghost,
    ending: null,
    members: ranks ? null : every,
  };
}

interface HeatmapViewProps {
  name: string;
  heatmap: Heatmap | null;
  unit: string | null;
  theme: ThemeName;
  onWidth(width: number): void;
}

function HeatmapView({ name, heatmap, unit, theme, onWidth }: HeatmapViewProps) {
  const [host, { width }] = useSize<HTMLDivElement>();
  useEffect(() => onWidth(width), [width, onWidth]);
  const model = useMemo((): HeatmapModel => {
    const { edges = [], processes = [], ranks = [], values = [], lo = 0, hi = 1, x = "step" } = heatmap ?? {};
    const columns = Math.max(0, edges.length - 1);
    return {
      ids: processes.flatMap((id) => Array.from({ length: columns }, () => id)),
      rows: ranks.map(String),
      axis: x,
      edges,
      values,
      lo,
      hi,
    };
  }, [heatmap]);
  const describe = (index: number): Card => {
    const columns = Math.max(1, model.edges.length - 1);
    const [row, column] = [Math.floor(index / columns), index % columns];
    const value = at(model.values, index);
    const [from, to] = [at(model.edges, column), at(model.edges, column + 1)];
    const place = model.axis === "step" ? "step" : "seconds";
    return {
      title: `rank ${model.rows[row]}`,
      color: slotColor(heatmap?.ranks[row] ?? 0, theme),
      rows: [
        ["value", Number.isNaN(value) ? "none" : formatValue(value, unit)],
        [place, `${formatNumber(from)} … ${formatNumber(to)}`],
      ],
    };
  };
  const label = `${name}: ${model.rows.length} ranks as rows, the value as colour`;
  return (
    <div className="heatmap-host" ref={host}>
      <PlotHost
        name={name}
        label={label}
        painter={heatmapPainter}
        model={model}
        theme={theme}
        describe={describe}
      />
    </div>
  );
}

const SCALE_STEPS = 24;

/** What the colours mean. */
function Scale({ heatmap, unit, theme }: { heatmap: Heatmap; unit: string | null; theme: ThemeName }) {
  return (
    <span className="color-scale">
      <small>{formatValue(heatmap.lo, unit)}</small>
      <svg viewBox={`0 0 ${SCALE_STEPS} 1`} preserveAspectRatio="none" aria-hidden="true">
        {Array.from({ length: SCALE_STEPS }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: steps of a scale are their places
          <rect key={i} x={i} width={1.1} height={1} fill={rampColor(i / (SCALE_STEPS - 1), theme)} />
        ))}
      </svg>
      <small>{formatValue(heatmap.hi, unit)}</small>
    </span>
  );
}
