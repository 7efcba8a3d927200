import { useEffect, useRef } from "react";
import { getHover, setHover, subscribeHover } from "@/state/hover";
import { formatValue } from "@/ui/humanize";
import { requestPaint } from "./core/frames";
import type { Axis, ChartModel } from "./core/model";
import { CHART_THEMES, type ThemeName } from "./core/palette";
import { attachGestures } from "./gestures";
import { type ChartFacts, LineChart } from "./line";
import { registerChart } from "./registry";
import { hideTooltip, showTooltip } from "./tooltip";

export interface ChartHostProps {
  /** Id of the panel, for tests. */
  id: string;
  /** Names the chart for people who do not see it. */
  name: string;
  /** Gets the chart while there is one, to save its picture. */
  handle: { current: LineChart | null };
  model: ChartModel;
  theme: ThemeName;
  /** Points drawn and points there are. */
  counts: { drawn: number; total: number };
  /** Says what the crosshair reads on the highlighted line; null = nothing. Not React state: it changes every frame. */
  onReadout(text: string | null): void;
  onFacts(facts: ChartFacts): void;
  onSize(width: number): void;
  onRange(axis: Axis, range: readonly [number, number], final: boolean): void;
  onReset(axis: Axis): void;
  onBack(): void;
  onOpen(): void;
}

/** Holds a LineChart and connects it to size, theme, hover and gestures. */
export function ChartHost(props: ChartHostProps) {
  const { name, model, theme } = props;
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<LineChart | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const node = element.current;
    if (!node) return;
    const line = new LineChart(node);
    chart.current = line;
    latest.current.handle.current = line;
    line.onFacts = (facts) => latest.current.onFacts(facts);
    let visible = true;

    const follow = () => {
      if (!visible) return;
      const hover = getHover();
      line.setHighlight(hover.id);
      const cursor = hover.cursor?.axis === line.model.axis ? hover.cursor.x : null;
      line.setCursor(cursor);
      const value =
        cursor === null ? line.lastValue(line.highlighted) : line.valueAt(line.highlighted, cursor);
      latest.current.onReadout(Number.isNaN(value) ? null : formatValue(value, line.model.unit));
    };
    const unsubscribe = subscribeHover(follow);
    const detach = attachGestures(line, {
      onPoint: (point) => {
        if (!point) {
          hideTooltip();
          setHover({ id: null, cursor: null });
          return;
        }
        const { readings, nearest } = line.readAt(point.x, point.py ?? Number.NaN);
        const held = point.py === null ? line.highlighted : nearest;
        const id = held < 0 ? null : (line.model.lines[held]?.subject ?? null);
        setHover({ id, cursor: { axis: line.model.axis, x: point.x } });
        if (readings.length > 0) showTooltip(line, point.x, readings, held);
        else hideTooltip();
      },
      onRange: (range, final) => latest.current.onRange(line.model.axis, range, final),
      onReset: () => latest.current.onReset(line.model.axis),
      onBack: () => latest.current.onBack(),
      onOpen: () => latest.current.onOpen(),
    });
    const applySize = (width: number, height: number) => {
      if (width === 0) return;
      line.setSize(width, height);
      latest.current.onSize(width);
    };
    // Now, and not when the observer comes to it: the points can be asked for some frames sooner.
    applySize(node.clientWidth, node.clientHeight);
    const resize = new ResizeObserver(([entry]) => {
      if (entry) applySize(entry.contentRect.width, entry.contentRect.height);
    });
    resize.observe(node);
    const sight = new IntersectionObserver(
      ([entry]) => {
        visible = entry?.isIntersecting ?? true;
        if (visible) follow();
      },
      { rootMargin: "200px" },
    );
    sight.observe(node);
    const unregister = registerChart(line, () => ({
      key: latest.current.id,
      ids: line.model.lines.map(({ id }) => id),
      axis: line.model.axis,
      xDomain: line.x.domain,
      yDomain: line.y.domain,
      highlighted: line.model.lines[line.highlighted]?.subject ?? null,
      drawn: latest.current.counts.drawn,
      total: latest.current.counts.total,
      lastX: line.model.lines.map(({ x }) => x[x.length - 1] ?? Number.NaN),
      visible,
      painted: line.painted === line.model,
    }));
    return () => {
      unregister();
      unsubscribe();
      detach();
      resize.disconnect();
      sight.disconnect();
      hideTooltip();
      line.destroy();
      chart.current = null;
      latest.current.handle.current = null;
    };
  }, []);

  useEffect(() => chart.current?.setModel(model), [model]);
  useEffect(() => {
    const line = chart.current;
    if (!line) return;
    line.setTheme(CHART_THEMES[theme]);
    requestPaint(line);
  }, [theme]);

  const lines = model.lines.length;
  return (
    <div
      ref={element}
      className="chart"
      role="img"
      // Focusable, because the arrows move its crosshair.
      // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
      tabIndex={0}
      aria-label={`${name}: ${lines} ${lines === 1 ? "line" : "lines"} over ${formatAxis(model.axis)}`}
    />
  );
}

function formatAxis(axis: Axis): string {
  return axis.startsWith("metric:") ? axis.slice("metric:".length) : axis;
}
