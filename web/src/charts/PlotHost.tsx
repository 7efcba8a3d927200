import { type ReactNode, useEffect, useRef } from "react";
import { getHover, setHover, subscribeHover } from "@/state/hover";
import { type Card, hideCard, showCard } from "./card";
import { requestPaint } from "./core/frames";
import { CHART_THEMES, type ThemeName } from "./core/palette";
import { type Painter, Plot, type PlotModel } from "./plot";
import { registerPlot } from "./plotRegistry";

interface PlotHostProps<Model extends PlotModel, Layout> {
  /** Names the chart for tests. */
  name: string;
  /** What a person who does not see the chart is told. */
  label: string;
  painter: Painter<Model, Layout>;
  model: Model;
  theme: ThemeName;
  /** What is said about a mark. */
  describe(index: number): Card;
  /** A click on a mark, or Enter. */
  onOpen?(index: number): void;
  onLayout?(layout: Layout): void;
  /** What lies over the canvases. */
  children?: ReactNode;
  className?: string;
}

/** Holds a chart of runs and connects it to size, theme, hover, click and keyboard. */
export function PlotHost<Model extends PlotModel, Layout>(props: PlotHostProps<Model, Layout>) {
  const { model, theme, label, children, className = "" } = props;
  const element = useRef<HTMLDivElement>(null);
  const spoken = useRef<HTMLOutputElement>(null);
  const plot = useRef<Plot<Model, Layout> | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const node = element.current;
    if (!node) return;
    const { painter, model: first, theme: firstTheme } = latest.current;
    const chart = new Plot(node, painter, first);
    plot.current = chart;
    chart.setTheme(CHART_THEMES[firstTheme]);
    chart.onLayout = (layout) => latest.current.onLayout?.(layout);
    const unsubscribe = subscribeHover((hover) => chart.setHighlight(hover.id));
    chart.setHighlight(getHover().id);
    const detach = attachPointer(chart, latest, spoken);
    const resize = new ResizeObserver(([entry]) => {
      if (entry) chart.setSize(entry.contentRect.width, entry.contentRect.height);
    });
    resize.observe(node);
    const unregister = registerPlot(() => ({
      name: latest.current.name,
      ids: chart.model.ids,
      highlighted: chart.model.ids[chart.highlighted] ?? null,
      painted: chart.painted === chart.model,
      paintMs: chart.paintMs,
      place: (index) => chart.place(index),
    }));
    return () => {
      unregister();
      unsubscribe();
      detach();
      resize.disconnect();
      hideCard();
      chart.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => plot.current?.setModel(model), [model]);
  useEffect(() => {
    const chart = plot.current;
    if (!chart) return;
    chart.setTheme(CHART_THEMES[theme]);
    requestPaint(chart);
  }, [theme]);

  return (
    <div className={`plot-host ${className}`}>
      <div
        ref={element}
        className="chart plot"
        role="img"
        // Focusable, because the arrows walk through its marks.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        tabIndex={0}
        aria-label={label}
      />
      {children}
      <output ref={spoken} className="visually-hidden" aria-live="polite" />
    </div>
  );
}

type Latest<Model extends PlotModel, Layout> = { readonly current: PlotHostProps<Model, Layout> };

function attachPointer<Model extends PlotModel, Layout>(
  chart: Plot<Model, Layout>,
  latest: Latest<Model, Layout>,
  spoken: { readonly current: HTMLOutputElement | null },
): () => void {
  const { element } = chart;
  let walked = -1;
  const point = (index: number, clientX: number, clientY: number) => {
    element.classList.toggle("on-mark", index >= 0);
    if (index < 0) {
      setHover({ id: null, cursor: null });
      hideCard();
      return;
    }
    setHover({ id: chart.model.ids[index] ?? null, cursor: null });
    showCard(latest.current.describe(index), clientX, clientY);
  };
  const found = (event: MouseEvent) => {
    const bounds = element.getBoundingClientRect();
    return chart.find(event.clientX - bounds.left, event.clientY - bounds.top);
  };
  const onMove = (event: PointerEvent) => {
    if (event.buttons === 0) point(found(event), event.clientX, event.clientY);
  };
  const onLeave = (event: PointerEvent) => {
    if (event.pointerType !== "touch") point(-1, 0, 0);
  };
  /** What a finger touched first; its second tap opens. */
  let touched = -1;
  const onClick = (event: MouseEvent) => {
    const index = found(event);
    const touch = event instanceof PointerEvent && event.pointerType === "touch";
    if (index >= 0 && (!touch || touched === index)) latest.current.onOpen?.(index);
    else point(index, event.clientX, event.clientY);
    touched = touch ? index : -1;
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      const order = latest.current.painter.order(chart.model);
      if (order.length === 0) return;
      const at = order.indexOf(walked);
      const start = step > 0 ? 0 : order.length - 1;
      const next = at < 0 ? start : Math.max(0, Math.min(order.length - 1, at + step));
      walked = order[next] ?? -1;
      const place = chart.place(walked);
      const bounds = element.getBoundingClientRect();
      if (place) point(walked, bounds.left + place[0], bounds.top + place[1]);
      const card = latest.current.describe(walked);
      if (spoken.current) {
        spoken.current.textContent = [card.title, ...card.rows.map((row) => row.join(" "))].join(", ");
      }
    } else if (event.key === "Enter" && walked >= 0) latest.current.onOpen?.(walked);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onBlur = () => {
    walked = -1;
    point(-1, 0, 0);
  };
  element.addEventListener("pointermove", onMove);
  element.addEventListener("pointerleave", onLeave);
  element.addEventListener("click", onClick);
  element.addEventListener("keydown", onKey);
  element.addEventListener("blur", onBlur);
  return () => {
    element.removeEventListener("pointermove", onMove);
    element.removeEventListener("pointerleave", onLeave);
    element.removeEventListener("click", onClick);
    element.removeEventListener("keydown", onKey);
    element.removeEventListener("blur", onBlur);
  };
}
