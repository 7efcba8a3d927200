import { useCallback, useMemo, useRef, useState } from "react";
import { drawAxes } from "@/charts/core/axes";
import { CHART_THEMES, slotColor, slotDash, type ThemeName } from "@/charts/core/palette";
import { createScale, type Scale } from "@/charts/core/scale";
import { numberTicks, type Ticks } from "@/charts/core/ticks";
import { useTheme } from "@/state/theme";
import { Canvas } from "@/ui/Canvas";
import { formatCount, formatNumber } from "@/ui/humanize";
import { Swatch } from "@/ui/Swatch";
import type { BarsModel, CountsModel, XyModel } from "./model";
import type { GroupsModel } from "./together";

type Model = XyModel | BarsModel | CountsModel | GroupsModel;

interface Domain {
  x: readonly [number, number];
  y: readonly [number, number];
}

/** The legend has room for these; more are told apart by hovering. */
const LEGEND = 12;

/** Lines, points, bars or counts over two axes. */
export function XyPlot({ model, label }: { model: Model; label: string }) {
  const theme = useTheme((store) => store.name);
  const [hovered, setHovered] = useState<{ x: number; y: number; text: string } | null>(null);
  const scales = useRef<{ x: Scale; y: Scale; width: number } | null>(null);
  const domain = useMemo(() => domainOf(model), [model]);
  const draw = useCallback(
    (g: CanvasRenderingContext2D, { width, height }: { width: number; height: number }) => {
      const chart = CHART_THEMES[theme];
      const box = { left: 46, right: width - 10, top: 16, bottom: height - 24 };
      const x = createScale(domain.x, box.left, box.right, false);
      const y = createScale(domain.y, box.bottom, box.top, false);
      scales.current = { x, y, width };
      const yTicks = numberTicks(
        domain.y[0],
        domain.y[1],
        Math.max(2, (box.bottom - box.top) / 42),
        false,
        null,
      );
      drawAxes(
        g,
        box,
        {
          scale: x,
          ticks: xTicksOf(model, domain, box.right - box.left),
          label: model.kind === "bars" || model.kind === "groups" ? "" : model.xLabel,
        },
        { scale: y, ticks: yTicks },
        chart,
        width,
      );
      g.fillStyle = chart.label;
      g.textAlign = "left";
      g.textBaseline = "top";
      const yLabel = model.kind === "counts" ? "count" : model.yLabel;
      if (yLabel) g.fillText(yLabel, 2, 0);
      g.save();
      g.beginPath();
      g.rect(box.left, box.top - 4, box.right - box.left + 4, box.bottom - box.top + 4);
      g.clip();
      if (model.kind === "xy") paintSeries(g, model, x, y, theme);
      else paintBars(g, model, x, y, theme);
      g.restore();
    },
    [model, domain, theme],
  );
  const hover = (px: number, py: number) => {
    const at = scales.current;
    setHovered(at && nearest(model, at.x, at.y, px, py));
  };
  const series = (model.kind === "xy" ? model.series : model.kind === "groups" ? model.groups : []).map(
    (one, index) => ({ slot: index, dash: slotDash(one.slot ?? index), ...one }),
  );
  return (
    <>
      <Canvas
        draw={draw}
        className="plot-canvas"
        role="img"
        aria-label={`${label}: ${describe(model)}`}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          hover(event.clientX - box.left, event.clientY - box.top);
        }}
        onPointerLeave={() => setHovered(null)}
      >
        {hovered && (
          <>
            <i className="canvas-dot" style={{ left: `${hovered.x}px`, top: `${hovered.y}px` }} />
            <span
              className="canvas-tip"
              style={{
                left: `${Math.min(hovered.x + 12, Math.max(0, (scales.current?.width ?? 0) - 170))}px`,
                top: `${hovered.y < 60 ? hovered.y + 14 : hovered.y - 52}px`,
              }}
            >
              {hovered.text}
            </span>
          </>
        )}
      </Canvas>
      {series.length > 1 && (
        <ul className="legend">
          {series.slice(0, LEGEND).map(({ name, slot, dash }) => (
            <li key={name}>
              <Swatch color={slotColor(slot, theme)} dash={dash} />
              <span>{name}</span>
            </li>
          ))}
          {series.length > LEGEND && <li>+{formatCount(series.length - LEGEND)}</li>}
        </ul>
      )}
    </>
  );
}

function describe(model: Model): string {
  if (model.kind === "bars") return `${model.bars.length} bars`;
  if (model.kind === "groups") return `${model.bars.length} groups of ${model.groups.length} bars`;
  if (model.kind === "counts") return `histogram of ${model.counts.length} bins`;
  return `${model.series.length} ${model.mark === "line" ? "lines" : "groups of points"}, ${model.yLabel} over ${model.xLabel}`;
}

function extent(values: Iterable<number>): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

const AIR = 0.04;

function padded([low, high]: readonly [number, number]): [number, number] {
  return [low - (high - low) * AIR, high + (high - low) * AIR];
}

function domainOf(model: Model): Domain {
  if (model.kind === "bars" || model.kind === "groups") {
    const values =
      model.kind === "bars"
        ? model.bars.map(({ value }) => value)
        : model.groups.flatMap((one) => one.values);
    const [low, high] = extent(values);
    return { x: [-0.5, Math.max(1, model.bars.length) - 0.5], y: [Math.min(0, low), Math.max(0, high)] };
  }
  if (model.kind === "counts") {
    return {
      x: [model.edges[0] ?? 0, model.edges[model.edges.length - 1] ?? 1],
      y: [0, extent([0, ...model.counts])[1]],
    };
  }
  if (model.unit) return { x: [0, 1], y: [0, 1] };
  const x = extent(model.series.flatMap((series) => series.x));
  return {
    x: model.mark === "points" ? padded(x) : x,
    y: padded(extent(model.series.flatMap((series) => series.y))),
  };
}

function xTicksOf(model: Model, domain: Domain, width: number): Ticks {
  if (model.kind !== "bars" && model.kind !== "groups")
    return numberTicks(domain.x[0], domain.x[1], Math.max(2, width / 64), false, null);
  const every = Math.max(1, Math.ceil((model.bars.length * 36) / width));
  const shown = model.bars.map((bar, i) => ({ ...bar, i })).filter(({ i }) => i % every === 0);
  const letters = Math.max(4, Math.floor(width / Math.max(1, shown.length) / 6.5));
  return {
    values: shown.map(({ i }) => i),
    labels: shown.map(({ label }) => (label.length > letters ? `${label.slice(0, letters - 1)}…` : label)),
  };
}

function paintSeries(
  g: CanvasRenderingContext2D,
  model: XyModel,
  x: Scale,
  y: Scale,
  theme: ThemeName,
): void {
  if (model.diagonal) {
    g.strokeStyle = CHART_THEMES[theme].cross;
    g.setLineDash([4, 4]);
    g.beginPath();
    g.moveTo(x.toPixel(0), y.toPixel(0));
    g.lineTo(x.toPixel(1), y.toPixel(1));
    g.stroke();
  }
  model.series.forEach((series, place) => {
    const slot = series.slot ?? place;
    g.strokeStyle = g.fillStyle = slotColor(slot, theme);
    if (model.mark === "points") {
      g.globalAlpha = series.x.length > 400 ? 0.55 : 0.85;
      g.beginPath();
      series.x.forEach((value, i) => {
        const [px, py] = [x.toPixel(value), y.toPixel(series.y[i] ?? Number.NaN)];
        if (!Number.isFinite(px + py)) return;
        g.moveTo(px + 2.6, py);
        g.arc(px, py, 2.6, 0, Math.PI * 2);
      });
      g.fill();
      g.globalAlpha = 1;
      return;
    }
    g.setLineDash([...(series.dash ?? slotDash(slot))]);
    g.lineWidth = 1.6;
    g.beginPath();
    let drawing = false;
    series.x.forEach((value, i) => {
      const [px, py] = [x.toPixel(value), y.toPixel(series.y[i] ?? Number.NaN)];
      // Not a number is a gap, not a line across it.
      if (!Number.isFinite(px + py)) drawing = false;
      else if (drawing) g.lineTo(px, py);
      else {
        g.moveTo(px, py);
        drawing = true;
      }
    });
    g.stroke();
    g.setLineDash([]);
  });
}

function paintBars(
  g: CanvasRenderingContext2D,
  model: BarsModel | CountsModel | GroupsModel,
  x: Scale,
  y: Scale,
  theme: ThemeName,
): void {
  g.fillStyle = slotColor(0, theme);
  const floor = y.toPixel(0);
  const bar = (from: number, to: number, value: number) => {
    const top = y.toPixel(value);
    g.fillRect(
      from,
      Math.min(top, floor),
      Math.max(1, to - from),
      Math.max(value === 0 ? 0 : 1, Math.abs(floor - top)),
    );
  };
  if (model.kind === "groups") {
    const wide = 0.8 / model.groups.length;
    model.groups.forEach(({ slot, values }, n) => {
      g.fillStyle = slotColor(slot, theme);
      values.forEach((value, i) => {
        const from = i - 0.4 + n * wide;
        if (Number.isFinite(value)) bar(x.toPixel(from), x.toPixel(from + wide * 0.92), value);
      });
    });
  } else if (model.kind === "bars") {
    model.bars.forEach(({ value }, i) => {
      if (Number.isFinite(value)) bar(x.toPixel(i - 0.38), x.toPixel(i + 0.38), value);
    });
  } else {
    model.counts.forEach((count, i) => {
      bar(x.toPixel(model.edges[i] ?? 0) + 0.5, x.toPixel(model.edges[i + 1] ?? 0) - 0.5, count);
    });
  }
}

const REACH_PX = 40;

function nearest(model: Model, x: Scale, y: Scale, px: number, py: number) {
  if (model.kind === "groups") {
    const i = Math.round(x.toValue(px));
    const wide = 0.8 / model.groups.length;
    const n = Math.floor((x.toValue(px) - i + 0.4) / wide);
    const [group, label] = [model.groups[n], model.bars[i]?.label];
    const value = group?.values[i];
    return group && value !== undefined && label !== undefined
      ? {
          x: x.toPixel(i - 0.4 + (n + 0.5) * wide),
          y: y.toPixel(Number.isFinite(value) ? value : 0),
          text: `${group.name}\n${label} ${Number.isFinite(value) ? formatNumber(value) : "missing"}`,
        }
      : null;
  }
  if (model.kind === "bars") {
    const i = Math.round(x.toValue(px));
    const bar = model.bars[i];
    return bar
      ? { x: x.toPixel(i), y: y.toPixel(bar.value), text: `${bar.label}\n${formatNumber(bar.value)}` }
      : null;
  }
  if (model.kind === "counts") {
    const at = x.toValue(px);
    const i = model.edges.findIndex((edge, n) => at >= edge && at < (model.edges[n + 1] ?? edge));
    const count = model.counts[i];
    if (count === undefined) return null;
    const [low, high] = [model.edges[i] ?? 0, model.edges[i + 1] ?? 0];
    return {
      x: x.toPixel((low + high) / 2),
      y: y.toPixel(count),
      text: `${formatNumber(low)} to ${formatNumber(high)}\n${formatCount(count)} values`,
    };
  }
  let best = REACH_PX * REACH_PX;
  let found: { x: number; y: number; text: string } | null = null;
  for (const series of model.series) {
    for (let i = 0; i < series.x.length; i++) {
      const [vx, vy] = [series.x[i] ?? Number.NaN, series.y[i] ?? Number.NaN];
      const [at, up] = [x.toPixel(vx), y.toPixel(vy)];
      const gap = (at - px) ** 2 + (up - py) ** 2;
      if (!(gap < best)) continue;
      best = gap;
      const head = series.name ? `${series.name}\n` : "";
      found = {
        x: at,
        y: up,
        text: `${head}${model.xLabel} ${formatNumber(vx)}\n${model.yLabel || "value"} ${formatNumber(vy)}`,
      };
    }
  }
  return found;
}
