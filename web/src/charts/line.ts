import { axisLabel, type Box, drawAxes, xTicks, yTicks } from "./core/axes";
import { at, nearestIndex } from "./core/columns";
import { computeQuantiles, drawQuantiles } from "./core/density";
import { visibleSlice, xExtent, yExtent } from "./core/extent";
import { cancelPaint, type Paintable, requestPaint } from "./core/frames";
import { drawEnding, drawNonfinite } from "./core/marks";
import { type ChartModel, DENSITY_LINES, EMPTY_MODEL, type Line } from "./core/model";
import { CHART_THEMES, type ChartTheme } from "./core/palette";
import { createScale, type Scale } from "./core/scale";
import {
  clipToBox,
  drawBand,
  drawGhost,
  drawLine,
  drawRaw,
  FILLED_BANDS,
  lineWidth,
  type Surface,
} from "./core/strokes";

/** A line under the pointer: its index and the value at that x. */
export interface Reading {
  index: number;
  value: number;
}

/** What a chart knows about its own picture, for its header. */
export interface ChartFacts {
  offScale: number;
  notPositive: number;
  density: boolean;
}

/** How near the pointer must be to a line to mean it, in pixels. */
const REACH_PX = 48;

const DENSITY_DIM = 0.6;

/**
 * A line chart on three stacked canvases.
 *
 * base: grid and axes. lines: all lines. over: the one highlighted line.
 * Only `over` changes while the pointer moves between lines, and the crosshair is a DOM element moved
 * by transform, so that hovering costs one line and not all of them. Others are dimmed by CSS opacity.
 */
export class LineChart {
  width = 0;
  height = 0;
  model: ChartModel = EMPTY_MODEL;
  box: Box = { left: 44, right: 0, top: 8, bottom: 0 };
  x: Scale = createScale([0, 1], 0, 1, false);
  y: Scale = createScale([0, 1], 1, 0, false);
  highlighted = -1;
  /** The model that the canvases show. */
  painted: ChartModel | null = null;
  onFacts: ((facts: ChartFacts) => void) | null = null;

  /**
   * Bands of many lines, drawn behind lines that are already there. They cost as much as the lines;
   * painted in the same go, the last chart of a screen would wait for the bands of all others.
   */
  private readonly bands: Paintable = {
    paint: () => {
      const g = this.lines.getContext("2d");
      if (!g || this.model !== this.painted) return;
      g.save();
      clipToBox(g, this.box);
      g.globalCompositeOperation = "destination-over";
      this.drawBands(this.surface(g));
      g.restore();
    },
  };
  private theme: ChartTheme = CHART_THEMES.light;
  private pixelRatio = 1;
  private readonly base: HTMLCanvasElement;
  private readonly lines: HTMLCanvasElement;
  private readonly over: HTMLCanvasElement;
  private readonly cross: HTMLDivElement;
  private readonly dot: HTMLDivElement;
  private readonly brush: HTMLDivElement;
  private index = new Map<string, number>();

  constructor(readonly element: HTMLElement) {
    this.base = this.append("canvas", "chart-layer");
    this.lines = this.append("canvas", "chart-layer");
    this.over = this.append("canvas", "chart-layer");
    this.brush = this.append("div", "chart-brush");
    this.cross = this.append("div", "chart-cross");
    this.dot = this.append("div", "chart-dot");
  }

  destroy(): void {
    cancelPaint(this);
    cancelPaint(this.bands);
    for (const node of [this.base, this.lines, this.over, this.cross, this.dot, this.brush]) node.remove();
  }

  setTheme(theme: ChartTheme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    requestPaint(this);
  }

  setSize(width: number, height: number): void {
    // Above two device pixels nobody sees the difference, and the cost grows with the square.
    const pixelRatio = Math.min(2, window.devicePixelRatio || 1);
    if (width === this.width && height === this.height && pixelRatio === this.pixelRatio) return;
    this.width = width;
    this.height = height;
    this.pixelRatio = pixelRatio;
    for (const canvas of [this.base, this.lines, this.over]) {
      canvas.width = Math.round(width * pixelRatio);
      canvas.height = Math.round(height * pixelRatio);
    }
    // A resized canvas is empty; waiting for the queue would show it so.
    this.paint();
  }

  setModel(model: ChartModel): void {
    const held = this.model.lines[this.highlighted]?.id ?? null;
    this.model = model;
    this.index = new Map(model.lines.map((line, position) => [line.id, position]));
    this.highlighted = held === null ? -1 : (this.index.get(held) ?? -1);
    requestPaint(this);
  }

  /** Position of the line that *id* names: its own id, or that of a member run. -1 if it is not here. */
  find(id: string | null): number {
    if (id === null) return -1;
    const direct = this.index.get(id);
    if (direct !== undefined) return direct;
    return this.model.lines.findIndex((line) => line.members?.has(id) ?? false);
  }

  setHighlight(id: string | null): void {
    const index = this.find(id);
    if (index === this.highlighted) return;
    this.highlighted = index;
    this.paintOver();
  }

  /** Moves the crosshair; null hides it. */
  setCursor(x: number | null): void {
    const px = x === null ? Number.NaN : this.x.toPixel(x);
    const visible = px >= this.box.left - 0.5 && px <= this.box.right + 0.5;
    this.cross.hidden = !visible;
    if (!visible || x === null) {
      this.dot.hidden = true;
      return;
    }
    this.cross.style.transform = `translate(${Math.round(px)}px, ${this.box.top}px)`;
    this.cross.style.height = `${this.box.bottom - this.box.top}px`;
    const line = this.model.lines[this.highlighted];
    const nearest = line ? nearestIndex(line.x, x) : -1;
    const py = line && nearest >= 0 ? this.y.toPixel(at(line.y, nearest)) : Number.NaN;
    const shown = line !== undefined && py >= this.box.top - 3 && py <= this.box.bottom + 3;
    this.dot.hidden = !shown;
    if (!shown) return;
    this.dot.style.transform = `translate(${this.x.toPixel(at(line.x, nearest))}px, ${py}px)`;
    this.dot.style.backgroundColor = line.color;
  }

  /** Shows the range that a drag selects, in pixels; null hides it. */
  setBrush(range: readonly [number, number] | null): void {
    this.brush.hidden = range === null;
    if (!range) return;
    const [from, to] = [Math.min(...range), Math.max(...range)];
    this.brush.style.transform = `translate(${from}px, ${this.box.top}px)`;
    this.brush.style.width = `${to - from}px`;
    this.brush.style.height = `${this.box.bottom - this.box.top}px`;
  }

  /** Value of a line at the point nearest to *x*; NaN outside the line. */
  valueAt(index: number, x: number): number {
    const line = this.model.lines[index];
    if (!line) return Number.NaN;
    const nearest = nearestIndex(line.x, x);
    return nearest < 0 ? Number.NaN : at(line.y, nearest);
  }

  /** Last finite value of a line; NaN if it has none. */
  lastValue(index: number): number {
    const values = this.model.lines[index]?.y ?? [];
    for (let i = values.length - 1; i >= 0; i--) if (Number.isFinite(at(values, i))) return at(values, i);
    return Number.NaN;
  }

  /** All lines that have a value at *x*, and which of them is nearest to the pixel *py* (-1 if none is near). */
  readAt(x: number, py: number): { readings: Reading[]; nearest: number } {
    const readings: Reading[] = [];
    let nearest = -1;
    let distance = REACH_PX;
    for (let index = 0; index < this.model.lines.length; index++) {
      const value = this.valueAt(index, x);
      if (Number.isNaN(value)) continue;
      readings.push({ index, value });
      const gap = Math.abs(this.y.toPixel(value) - py);
      if (gap < distance) {
        distance = gap;
        nearest = index;
      }
    }
    return { readings, nearest };
  }

  /** Draws everything. Called by the paint queue; call `setModel` or `setTheme` instead. */
  paint(): void {
    if (this.width === 0 || this.height === 0) return;
    this.layOut();
    this.paintLines();
    this.paintOver();
    this.painted = this.model;
  }

  private layOut(): void {
    const { model, theme, width, height } = this;
    const g = this.context(this.base);
    g.font = theme.font;
    const xDomain = xExtent(model);
    const extent = yExtent({ ...model, xRange: model.xRange ?? null });
    const top = 8;
    const bottom = height - 22;
    const yAxis = yTicks(extent.range, model.yLog, bottom - top, model.unit);
    const widest = Math.max(0, ...yAxis.labels.map((label) => g.measureText(label).width));
    const left = Math.max(28, Math.ceil(widest) + 10);
    const right = Math.max(left + 1, width - 10);
    this.box = { left, right, top, bottom };
    this.x = createScale(xDomain, left, right, model.xLog);
    this.y = createScale(extent.range, bottom, top, model.yLog);
    const xAxis = xTicks(model.axis, xDomain, model.xLog, right - left);
    // Without lines the ranges are made up, and made-up numbers do not belong on an axis.
    if (model.lines.length > 0)
      drawAxes(
        g,
        this.box,
        { scale: this.x, ticks: xAxis, label: axisLabel(model.axis) },
        { scale: this.y, ticks: yAxis },
        theme,
        width,
      );
    this.onFacts?.({
      offScale: extent.offScale,
      notPositive: extent.notPositive,
      density: model.lines.length > DENSITY_LINES,
    });
  }

  private paintLines(): void {
    const { model, theme } = this;
    // A canvas that is touched is copied to the screen whole, drawn on or not; one without content stays hidden.
    this.lines.hidden = model.lines.length === 0;
    if (model.lines.length === 0) return;
    const g = this.context(this.lines);
    const surface = this.surface(g);
    g.save();
    clipToBox(g, this.box);
    g.lineJoin = "bevel";
    if (model.lines.length > DENSITY_LINES) {
      const columns = Math.max(2, Math.round((this.box.right - this.box.left) / 3));
      const quantiles = computeQuantiles(model.lines, this.x, this.box.left, this.box.right, columns);
      drawQuantiles(g, quantiles, this.x, this.y, theme.accent);
    } else {
      const width = lineWidth(model.lines.length, this.pixelRatio);
      for (const line of model.lines) drawGhost(surface, line, model);
      const deferred = model.band && model.lines.length > FILLED_BANDS;
      if (deferred) requestPaint(this.bands);
      else this.drawBands(surface);
      for (const line of model.lines) drawRaw(surface, line, model);
      for (const line of model.lines) drawLine(surface, line, model, width);
    }
    g.restore();
    if (model.lines.length <= DENSITY_LINES) {
      for (const line of model.lines) {
        drawNonfinite(g, line, this.box, this.x);
        this.paintEnding(g, line);
      }
    }
  }

  private drawBands(surface: Surface): void {
    const { model } = this;
    if (!model.band) return;
    for (const line of model.lines) drawBand(surface, line, model, line.raw ? 0.09 : 0.16);
  }

  private paintEnding(g: CanvasRenderingContext2D, line: Line): void {
    if (!line.ending) return;
    // A zoomed line goes on beyond the edge: its last point in the window is not its end.
    const [, to] = visibleSlice(line, this.model.xRange);
    let last = to - 1;
    while (last >= 0 && !Number.isFinite(at(line.y, last))) last--;
    if (last < 0) return;
    const px = this.x.toPixel(at(line.x, last));
    const py = this.y.toPixel(at(line.y, last));
    if (!(px >= this.box.left && px <= this.box.right + 1)) return;
    if (Number.isNaN(py)) return;
    const inside = Math.min(Math.max(py, this.box.top), this.box.bottom);
    // That a diverged run failed is worth a mark at the edge; that it runs is not.
    if (inside !== py && line.ending === "running") return;
    drawEnding(g, line.ending, px, inside, line.color, this.theme);
  }

  private paintOver(): void {
    const line = this.model.lines[this.highlighted];
    // A density is already quiet; dimmed as far as lines it would be gone.
    const dim = this.model.lines.length > DENSITY_LINES ? DENSITY_DIM : this.theme.dim;
    this.lines.style.opacity = line ? String(dim) : "1";
    this.over.hidden = !line;
    if (!line) return;
    const g = this.context(this.over);
    const surface = this.surface(g);
    g.save();
    clipToBox(g, this.box);
    g.lineJoin = "round";
    if (this.model.band) drawBand(surface, line, this.model, 0.24);
    drawRaw(surface, line, this.model);
    drawGhost(surface, line, this.model);
    drawLine(surface, line, this.model, 2.25);
    g.restore();
    drawNonfinite(g, line, this.box, this.x);
    this.paintEnding(g, line);
  }

  private surface(g: CanvasRenderingContext2D): Surface {
    return { g, box: this.box, x: this.x, y: this.y, pixelRatio: this.pixelRatio };
  }

  /** A cleared context in CSS pixels. */
  private context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const g = canvas.getContext("2d");
    if (!g) throw new Error("this browser gives no 2d canvas");
    g.setTransform(this.pixelRatio, 0, 0, this.pixelRatio, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    return g;
  }

  private append<Tag extends "canvas" | "div">(tag: Tag, className: string): HTMLElementTagNameMap[Tag] {
    const node = document.createElement(tag);
    node.className = className;
    if (tag === "div") node.hidden = true;
    this.element.appendChild(node);
    return node;
  }
}
