import { useCallback, useMemo, useRef, useState } from "react";
import { drawAxes, xTicks, yTicks } from "@/charts/core/axes";
import { CHART_THEMES } from "@/charts/core/palette";
import { createScale } from "@/charts/core/scale";
import { useTheme } from "@/state/theme";
import { Canvas } from "@/ui/Canvas";
import { formatCount, formatNumber } from "@/ui/humanize";
import { type Bins, binAt, densityOf, edgeRange, nearestStep } from "./bins";
import { type HistogramLook, paintHeat, paintRidges } from "./paint";

interface HistogramViewProps {
  all: readonly Bins[];
  look: HistogramLook;
  label: string;
  /** The step that the page is at; marked. */
  step: number | null;
}

interface Hovered {
  x: number;
  y: number;
  text: string;
}

/** Histograms of many steps as a map of their densities, or as a ridge per step. */
export function HistogramView({ all, look, label, step }: HistogramViewProps) {
  const theme = useTheme((store) => store.name);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const size = useRef({ width: 0, height: 0 });
  const range = useMemo(() => edgeRange(all), [all]);
  const steps = useMemo((): [number, number] => {
    const first = all[0]?.step ?? 0;
    const last = all[all.length - 1]?.step ?? 1;
    const pad = all.length > 1 ? (last - first) / (all.length - 1) / 2 : 0.5;
    return [first - pad, last + pad];
  }, [all]);

  const scales = useCallback(
    ({ width, height }: { width: number; height: number }) => {
      const box = { left: 46, right: width - 10, top: 8, bottom: height - 24 };
      return look.mode === "heat"
        ? {
            box,
            x: createScale(steps, box.left, box.right, false),
            y: createScale(range, box.bottom, box.top, false),
          }
        : {
            box,
            x: createScale(range, box.left, box.right, false),
            // Ridges rise into the one behind; the first has no one behind it.
            y: createScale(steps, box.bottom, box.top + (box.bottom - box.top) * 0.16, false),
          };
    },
    [look.mode, steps, range],
  );

  const draw = useCallback(
    (g: CanvasRenderingContext2D, at: { width: number; height: number }) => {
      size.current = at;
      const { box, x, y } = scales(at);
      const chart = CHART_THEMES[theme];
      const heat = look.mode === "heat";
      // Half a column stands before the first step and behind the last; there are no steps there to be named.
      const logged: [number, number] = [all[0]?.step ?? 0, all.at(-1)?.step ?? 0];
      const horizontal = heat ? logged : range;
      const vertical = heat ? range : logged;
      if (heat) paintHeat(g, all, x, y, look, theme);
      drawAxes(
        g,
        box,
        {
          scale: x,
          ticks: xTicks("step", horizontal, false, box.right - box.left),
          label: heat ? "step" : "",
        },
        { scale: y, ticks: yTicks(vertical, false, box.bottom - box.top, null) },
        heat ? { ...chart, grid: "transparent" } : chart,
        at.width,
      );
      if (!heat) paintRidges(g, all, x, y, look, theme);
      g.fillStyle = chart.bad;
      for (const bins of all) {
        if (bins.nonfinite === 0) continue;
        // Non-finite values have no bin: a tick at the edge says that they are there.
        if (heat) g.fillRect(x.toPixel(bins.step) - 1.5, box.top - 6, 3, 5);
        else g.fillRect(box.right - 4, y.toPixel(bins.step) - 1.5, 5, 3);
      }
      const marked = step === null ? -1 : nearestStep(all, step);
      const bins = all[marked];
      if (bins && heat) {
        g.strokeStyle = chart.cross;
        g.setLineDash([3, 3]);
        g.beginPath();
        g.moveTo(x.toPixel(bins.step), box.top);
        g.lineTo(x.toPixel(bins.step), box.bottom);
        g.stroke();
        g.setLineDash([]);
      }
    },
    [all, look, scales, theme, range, step],
  );

  const hover = (px: number, py: number) => {
    const { box, x, y } = scales(size.current);
    if (px < box.left || px > box.right || py < box.top - 6 || py > box.bottom) return setHovered(null);
    const heat = look.mode === "heat";
    const bins = all[nearestStep(all, heat ? x.toValue(px) : y.toValue(py))];
    if (!bins) return setHovered(null);
    setHovered({ x: px, y: py, text: describe(bins, heat ? y.toValue(py) : x.toValue(px)) });
  };
  return (
    <Canvas
      draw={draw}
      className="histogram"
      role="img"
      aria-label={`${label}: ${all.length} histograms from step ${all[0]?.step ?? 0} to ${all[all.length - 1]?.step ?? 0}`}
      onPointerMove={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        hover(event.clientX - box.left, event.clientY - box.top);
      }}
      onPointerLeave={() => setHovered(null)}
    >
      {hovered && (
        <span
          className="canvas-tip"
          style={{
            left: `${Math.min(hovered.x + 12, Math.max(0, size.current.width - 190))}px`,
            top: `${hovered.y < 60 ? hovered.y + 14 : hovered.y - 52}px`,
          }}
        >
          {hovered.text}
        </span>
      )}
    </Canvas>
  );
}

/** Step, bin and count in words. */
function describe(bins: Bins, value: number): string {
  const bin = binAt(bins, value);
  const lost = bins.nonfinite > 0 ? `\n${formatCount(bins.nonfinite)} NaN or ±∞` : "";
  if (bin < 0) return `step ${formatCount(bins.step)}\nno values here${lost}`;
  const [low, high] = [bins.edges[bin] ?? Number.NaN, bins.edges[bin + 1] ?? Number.NaN];
  const count = bins.counts[bin] ?? 0;
  return `step ${formatCount(bins.step)}\n${formatNumber(low)} to ${formatNumber(high)}\n${formatCount(count)} values · density ${formatNumber(densityOf(bins, bin))}${lost}`;
}
