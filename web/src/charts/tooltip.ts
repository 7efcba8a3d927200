import { formatCount, formatDuration, formatMoment, formatNumber, formatValue } from "@/ui/humanize";
import { axisLabel } from "./core/axes";
import type { Axis, ChartModel } from "./core/model";
import type { LineChart, Reading } from "./line";

/** Rows shown around the nearest line. */
const ROWS = 5;
const GAP_PX = 8;
const WIDTH_PX = 236;

let box: HTMLDivElement | null = null;

/** What an x is called, e.g. "step 5,042". */
export function formatX(axis: Axis, x: number): string {
  if (axis === "step") return formatCount(Math.round(x));
  if (axis === "relative") return formatDuration(x);
  if (axis === "wall") return formatMoment(x * 1000);
  return formatNumber(x);
}

/**
 * Shows the values at *x*, beside the panel and never over the pointer: the picture stays readable.
 * All text is set as text; run names are user input.
 */
export function showTooltip(
  chart: LineChart,
  x: number,
  readings: readonly Reading[],
  nearest: number,
): void {
  const node = box ?? create();
  const { model } = chart;
  const sorted = [...readings].sort((a, b) => b.value - a.value);
  const center = Math.max(
    0,
    sorted.findIndex((reading) => reading.index === nearest),
  );
  const from = Math.max(0, Math.min(sorted.length - ROWS, center - (ROWS >> 1)));
  const rows = sorted.slice(from, from + ROWS);
  const above = from;
  const below = sorted.length - from - rows.length;

  const head = element("header");
  head.append(element("span", axisLabel(model.axis)), element("b", formatX(model.axis, x)));
  const more = [above > 0 ? `+${above} above` : "", below > 0 ? `+${below} below` : ""]
    .filter(Boolean)
    .join(" · ");
  if (more) head.append(element("em", more));
  node.replaceChildren(head);
  const baseline = readings.find(({ index }) => model.lines[index]?.stand === "baseline");
  node.classList.toggle("compares", baseline !== undefined);
  for (const reading of rows) node.append(rowOf(model, reading, reading.index === nearest, baseline));
  if (baseline && !rows.includes(baseline)) {
    const row = rowOf(model, baseline, false, baseline);
    row.classList.add("baseline");
    node.append(row);
  }
  place(node, chart.element, chart.x.toPixel(x));
}

function rowOf(
  model: ChartModel,
  { index, value }: Reading,
  on: boolean,
  baseline: Reading | undefined,
): HTMLDivElement {
  const row = element("div");
  const line = model.lines[index];
  if (!line) return row;
  if (on) row.className = "on";
  const swatch = element("i");
  swatch.style.backgroundColor = line.color;
  row.append(swatch, element("span", line.label), element("b", formatValue(value, model.unit)));
  if (baseline?.index === index) row.append(element("small", "base"));
  else if (baseline) {
    const { text, good } = deltaOf(value, baseline.value, model.goal);
    const delta = element("small", text);
    if (good !== null) delta.className = good ? "good" : "worse";
    row.append(delta);
  }
  return row;
}

/** How a value differs from the baseline's: ▲ and ▼ say which way, the colour whether that is good. */
export function deltaOf(
  value: number,
  base: number,
  goal: ChartModel["goal"],
): { text: string; good: boolean | null } {
  const difference = value - base;
  if (!Number.isFinite(difference)) return { text: "", good: null };
  if (difference === 0) return { text: "=", good: null };
  const up = difference > 0;
  return {
    text: `${up ? "▲" : "▼"} ${formatNumber(Math.abs(difference))}`,
    good: goal === null ? null : up === (goal === "maximize"),
  };
}

export function hideTooltip(): void {
  if (box) box.hidden = true;
}

function place(node: HTMLDivElement, plot: HTMLElement, crossPx: number): void {
  node.hidden = false;
  const bounds = plot.getBoundingClientRect();
  if (bounds.width > window.innerWidth * 0.7 && bounds.width > 3 * WIDTH_PX) {
    // In full screen nothing is beside the panel; the corner away from the crosshair is free.
    const x = crossPx > bounds.width / 2 ? bounds.left + 64 : bounds.right - WIDTH_PX - 24;
    node.style.transform = `translate(${Math.round(x)}px, ${Math.round(bounds.top + 12)}px)`;
    return;
  }
  const panel = (plot.closest("[data-panel]") ?? plot).getBoundingClientRect();
  const { offsetHeight: height, offsetWidth: width } = node;
  const right = panel.right + GAP_PX;
  const left = panel.left - GAP_PX - width;
  // Right of the panel, else left of it; on a phone neither fits, and it goes below or above.
  if (right + width <= window.innerWidth - 4 || left >= 4) {
    const x = right + width <= window.innerWidth - 4 ? right : left;
    const y = Math.max(4, Math.min(panel.top, window.innerHeight - height - 4));
    node.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    return;
  }
  const x = Math.max(4, Math.min(panel.left, window.innerWidth - width - 4));
  const fitsBelow = panel.bottom + GAP_PX + height <= window.innerHeight;
  const y = fitsBelow ? panel.bottom + GAP_PX : Math.max(4, panel.top - GAP_PX - height);
  node.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}

function create(): HTMLDivElement {
  box = element("div");
  box.className = "chart-tooltip";
  // The panel's own live region speaks; this box would repeat it on every pixel.
  box.setAttribute("aria-hidden", "true");
  document.body.append(box);
  return box;
}

function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, text = ""): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  return node;
}
