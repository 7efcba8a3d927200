import { useMemo, useRef, useState } from "react";
import { ChartHost } from "@/charts/ChartHost";
import { type ChartModel, EMPTY_MODEL, type Line } from "@/charts/core/model";
import { slotColor, slotDash, type ThemeName } from "@/charts/core/palette";
import type { LineChart } from "@/charts/line";
import { splitBlocks } from "@/features/reports/blocks";
import { readFigure } from "@/features/reports/figure";
import { type FrozenReport, frozenLines, type PanelData } from "@/features/reports/frozen";
import { ReportText } from "@/features/reports/ReportText";
import { useTheme } from "@/state/theme";
import { formatMoment, formatNumber } from "@/ui/humanize";
import { Swatch } from "@/ui/Swatch";

/** So many lines are named under a chart. */
const LEGEND_MAX = 20;

export interface PageReport {
  markdown: string;
  entity: string;
  project: string;
  frozen: FrozenReport;
}

/** A frozen report: its text and numbers, its figures as charts, from what the page holds. */
export function ReportView({ report }: { report: PageReport }) {
  const { markdown, entity, project, frozen } = report;
  const blocks = useMemo(() => splitBlocks(markdown), [markdown]);
  let figure = -1;
  return (
    <article className="export-report">
      <p className="muted">
        Frozen {formatMoment(frozen.frozen_at * 1000)} by {frozen.frozen_by}: it shows what was so then.
      </p>
      {blocks.map((block, place) => {
        const key = `${place} ${block.kind}`;
        if (block.kind === "text" || block.kind === "code") {
          return (
            <ReportText
              key={key}
              text={block.source}
              place={{ entity, project }}
              values={frozen.evaluation.formulas}
              waiting={false}
            />
          );
        }
        if (block.kind !== "figure") return null;
        figure++;
        const spec = readFigure(block.value);
        const panels = frozen.figures[figure]?.panels ?? [];
        return (
          <figure key={key} className="export-figure">
            <div className="export-grid">
              {panels.map((data, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: they stand in one order for good
                <ReportPanel key={at} title={titleOf(spec.panels[at], data)} data={data} frozen={frozen} />
              ))}
            </div>
            {spec.caption && <figcaption>{spec.caption}</figcaption>}
          </figure>
        );
      })}
    </article>
  );
}

interface Titled {
  title?: string;
  type: string;
}

function titleOf(panel: Titled | undefined, data: PanelData): string {
  const keys = [...new Set((data.series ?? []).map(({ key }) => key))];
  return panel?.title ?? (keys.length > 0 ? keys.join(", ") : (panel?.type ?? ""));
}

interface ReportPanelProps {
  title: string;
  data: PanelData;
  frozen: FrozenReport;
}

function ReportPanel({ title, data, frozen }: ReportPanelProps) {
  const theme = useTheme((store) => store.name);
  const [range, setRange] = useState<readonly [number, number] | null>(null);
  const [readout, setReadout] = useState("");
  const handle = useRef<LineChart | null>(null);
  const model = useMemo(() => modelOf(data, frozen, range, theme), [data, frozen, range, theme]);
  return (
    <section className="panel" aria-label={title}>
      <h2 title={title}>
        <span className="name">{title}</span>
        <output>{readout}</output>
      </h2>
      {model ? (
        <div className="export-chart">
          <ChartHost
            id={title}
            name={title}
            handle={handle}
            model={model}
            theme={theme}
            counts={{ drawn: 0, total: 0 }}
            onReadout={(text) => setReadout(text ?? "")}
            onFacts={() => undefined}
            onSize={() => undefined}
            onRange={(_axis, next) => setRange(next)}
            onReset={() => setRange(null)}
            onBack={() => setRange(null)}
            onOpen={() => undefined}
          />
        </div>
      ) : data.matrix ? (
        <MatrixTable matrix={data.matrix} />
      ) : (
        <p className="muted">{data.error ?? "This panel is drawn by the server's page alone."}</p>
      )}
      {model && <Legend lines={model.lines} />}
    </section>
  );
}

function Legend({ lines }: { lines: readonly Line[] }) {
  const rest = lines.length - LEGEND_MAX;
  return (
    <ul className="export-legend">
      {lines.slice(0, LEGEND_MAX).map(({ id, label, color, dash }) => (
        <li key={id}>
          <Swatch color={color} dash={dash} /> {label}
        </li>
      ))}
      {rest > 0 && <li className="muted">and {rest} more</li>}
    </ul>
  );
}

/** What a panel of values keeps, as a table. */
function MatrixTable({ matrix }: { matrix: NonNullable<PanelData["matrix"]> }) {
  return (
    <div className="export-table">
      <table>
        <thead>
          <tr>
            <th scope="col">run</th>
            {matrix.columns.map(({ by, agg }) => (
              <th key={`${by} ${agg}`} scope="col">
                {by.replace(/^metric:/, "")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {matrix.names.map((name, row) => (
            <tr key={matrix.runs[row]}>
              <th scope="row">{name}</th>
              {matrix.columns.map(({ by, agg, values }) => (
                <td key={`${by} ${agg}`}>{cell(values[row])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? formatNumber(value) : String(value);
}

function modelOf(
  data: PanelData,
  frozen: FrozenReport,
  range: readonly [number, number] | null,
  theme: ThemeName,
): ChartModel | null {
  const found = frozenLines(data);
  if (found.length === 0) return null;
  const axis = data.series?.[0]?.axis ?? "step";
  const groups = [...new Set(found.map(({ group }) => group))];
  const keys = [...new Set(found.map(({ key }) => key))];
  const lines = found.map((line): Line => {
    const run = line.run === null ? undefined : frozen.runs[line.run];
    const slot = run?.number ?? groups.indexOf(line.group);
    const owner = run?.name ?? line.group ?? "";
    return {
      id: `${line.run ?? line.group} ${line.key} ${line.process ?? ""}`,
      subject: line.run ?? line.group ?? "",
      stand: "normal",
      label: keys.length > 1 ? `${owner} ${line.key}` : owner,
      color: slotColor(slot, theme),
      dash: slotDash(slot),
      x: line.x,
      y: line.y,
      raw: null,
      lo: line.lo,
      hi: line.hi,
      nonfinite: line.nonfinite,
      ghost: null,
      ending: null,
      members: null,
    };
  });
  return { ...EMPTY_MODEL, lines, axis: axis as ChartModel["axis"], xRange: range };
}
