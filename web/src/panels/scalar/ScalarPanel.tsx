import { Link } from "@tanstack/react-router";
import { columnTitle, metricOf } from "@/api/columns";
import { slotColor } from "@/charts/core/palette";
import { clearHover, setHover } from "@/state/hover";
import { useTheme } from "@/state/theme";
import { formatCount, formatExact, formatNumber, formatValue } from "@/ui/humanize";
import { Swatch } from "@/ui/Swatch";
import { useInView } from "@/ui/useInView";
import { useCast, useKeys } from "../cast";
import { directionOf, useGuess } from "../matrix/guess";
import { momentsOf } from "../matrix/samples";
import { distinctColumns, type Stage, useStage } from "../matrix/stage";
import { PanelFrame } from "../PanelFrame";
import type { PanelProps } from "../registry";
import type { ScalarSettings } from "./settings";
import "@/styles/comparing.css";
import "@/styles/plots.css";

/** One number of all shown runs, large. */
export default function ScalarPanel({ settings }: PanelProps<ScalarSettings>) {
  const keys = useKeys();
  const cast = useCast();
  const theme = useTheme((store) => store.name);
  const guess = useGuess(settings.value === null);
  const value = settings.value ?? guess.metric;
  const [frame, visible] = useInView<HTMLElement>();
  const { stage, error } = useStage(distinctColumns([value]), visible);
  const best = settings.best ?? directionOf(value, keys);
  const unit = keys.find(({ key }) => value && key === metricOf(value))?.unit ?? null;
  const title = value ? columnTitle(value) : "";
  const found = stage && pick(stage, settings.show, best);
  const base = stage ? baseOf(stage, cast.baseline) : null;
  const difference = found && base !== null && found.run !== base.run ? found.value - base.value : null;
  const better = difference === null || difference === 0 ? null : difference > 0 === (best === "max");
  const values = stage?.columns[0]?.numbers;
  return (
    <PanelFrame
      ref={frame}
      {...(stage && values
        ? {
            exports: {
              table: () => ({
                columns: ["run", title],
                rows: stage.names.map((run, i) => [run, values[i] ?? null]),
              }),
            },
          }
        : {})}
      footer={
        found && (
          <span className="points-note">
            {settings.show === "mean" ? "mean" : settings.show} of {formatCount(found.n)}{" "}
            {found.n === 1 ? "run" : "runs"}
          </span>
        )
      }
    >
      {found && (
        <div className="scalar">
          <b title={formatExact(found.value)}>{formatValue(found.value, unit)}</b>
          {found.std !== null && <span className="scalar-std">± {formatNumber(found.std)}</span>}
          {difference !== null && (
            <span className={`delta ${better === null ? "" : better ? "better" : "worse"}`}>
              {difference > 0 ? "▴" : difference < 0 ? "▾" : "="} {formatNumber(Math.abs(difference))}{" "}
              <span className="muted">to {base?.name}</span>
            </span>
          )}
          {found.run !== null && (
            <Link
              to="/r/$run_key"
              params={{ run_key: found.run }}
              className="scalar-run"
              onPointerEnter={() => setHover({ id: found.run, cursor: null })}
              onPointerLeave={clearHover}
            >
              <Swatch color={slotColor(found.slot, theme)} dash={[]} />
              {found.name}
            </Link>
          )}
        </div>
      )}
      {error && <p className="panel-error">{error.message}</p>}
      {!error && guess.ready && !value && <p className="panel-empty">Choose a value in the settings.</p>}
      {stage && !found && <p className="panel-empty">No shown run has a finite “{title}”.</p>}
    </PanelFrame>
  );
}

interface Found {
  value: number;
  std: number | null;
  n: number;
  run: string | null;
  name: string;
  slot: number;
}

function pick(stage: Stage, show: ScalarSettings["show"], best: "min" | "max"): Found | null {
  const values = stage.columns[0]?.numbers ?? new Float64Array();
  const finite = stage.runs.map((_, i) => i).filter((i) => Number.isFinite(values[i] ?? Number.NaN));
  if (finite.length === 0) return null;
  if (show === "mean") {
    const { mean, std, n } = momentsOf(finite.map((i) => values[i] ?? 0));
    return { value: mean, std: n > 1 ? std : null, n, run: null, name: "", slot: 0 };
  }
  const isBetter = (a: number, b: number) =>
    show === "newest"
      ? (stage.createdAt[a] ?? 0) > (stage.createdAt[b] ?? 0)
      : best === "min"
        ? (values[a] ?? 0) < (values[b] ?? 0)
        : (values[a] ?? 0) > (values[b] ?? 0);
  const chosen = finite.reduce((held, i) => (isBetter(i, held) ? i : held));
  return {
    value: values[chosen] ?? Number.NaN,
    std: null,
    n: finite.length,
    run: stage.runs[chosen] ?? null,
    name: stage.names[chosen] ?? "",
    slot: stage.slots[chosen] ?? 0,
  };
}

function baseOf(stage: Stage, baseline: string | null): { value: number; run: string; name: string } | null {
  const index = baseline === null ? -1 : stage.runs.indexOf(baseline);
  const value = stage.columns[0]?.numbers[index] ?? Number.NaN;
  return Number.isFinite(value)
    ? { value, run: stage.runs[index] ?? "", name: stage.names[index] ?? "" }
    : null;
}
