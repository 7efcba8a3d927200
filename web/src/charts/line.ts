import { axisLabel, type Box, drawAxes, xTicks, yTicks } from "./core/axes";
import { at, nearestIndex } from "./core/columns";
import { computeQuantiles, drawQuantiles } from "./core/density";
import { visibleSlice, xExtent, type YExtent, yExtent } from "./core/extent";
import { cancelPaint, type Paintable, requestPaint } from "./core/frames";
import { drawEnding, drawNonfinite } from "./core/marks";
import { type ChartModel, crowdOf, DENSITY_LINES, EMPTY_MODEL, type Line, type Stand } from "./core/model";
import { CHART_THEMES, type ChartTheme } from "./core/palette";
import { createScale, type Scale } from "./core/scale";
import {
  clipToBox,
  drawBand,
  drawGhost,
  drawHalo,
  drawLine,
  drawRaw,
  FILLED_BANDS,
  lineWidth,
  type Surface,
} from "./core/strokes";
import { SvgContext } from "./core/svg";

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
  /** Lines that are lit: all those of one run or group. The first is the one that is read. */
  lit: readonly number[] = [];
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
  private index = new Map<string, number[]>();
  /** Lines of groups by member run; made when a run is first looked for. */
  private members: Map<string, number[]> | null = null;

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
    const held = this.model.lines[this.highlighted]?.subject ?? null;
    this.model = model;
    this.index = new Map();
    this.members = null;
    for (const [position, { subject }] of model.lines.entries()) push(this.index, subject, position);
    this.lit = this.find(held);
    requestPaint(this);
  }

  /** Position of the line that is read; -1 if none is lit. */
  get highlighted(): number {
    return this.lit[0] ?? -1;
  }

  /** Positions of the lines that *id* names: those of that run or group, else of the group it is in. */
  find(id: string | null): readonly number[] {
    if (id === null) return [];
    const direct = this.index.get(id);
    if (direct) return direct;
    if (!this.members) {
      const members = new Map<string, number[]>();
      this.model.lines.forEach((line, position) => {
        for (const run of line.members ?? []) push(members, run, position);
      });
      this.members = members;
    }
    return this.members.get(id) ?? [];
  }

  setHighlight(id: string | null): void {
    const lit = this.find(id);
    if (lit.length === this.lit.length && lit.every((index, i) => index === this.lit[i])) return;
    this.lit = lit;
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
      if (this.model.lines[index]?.stand === "faint") continue;
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
    const { model } = this;
    const g = this.context(this.base);
    const extent = this.measure(g);
    // Without lines the ranges are made up, and made-up numbers do not belong on an axis.
    if (model.lines.length > 0) this.drawFrame(g);
    this.onFacts?.({
      offScale: extent.offScale,
      notPositive: extent.notPositive,
      density: crowdOf(model) > DENSITY_LINES,
    });
  }

  /** Finds ranges, scales and the room that the axes take. */
  private measure(g: CanvasRenderingContext2D): YExtent {
    const { model, width, height } = this;
    g.font = this.theme.font;
    const xDomain = xExtent(model);
    const extent = yExtent({ ...model, xRange: model.xRange ?? null });
    const top = 8;
    const bottom = height - 22;
    const labels = yTicks(extent.range, model.yLog, bottom - top, model.unit).labels;
    const widest = Math.max(0, ...labels.map((label) => g.measureText(label).width));
    const left = Math.max(28, Math.ceil(widest) + 10);
    const right = Math.max(left + 1, width - 10);
    this.box = { left, right, top, bottom };
    this.x = createScale(xDomain, left, right, model.xLog);
    this.y = createScale(extent.range, bottom, top, model.yLog);
    return extent;
  }

  private drawFrame(g: CanvasRenderingContext2D): void {
    const { model, box, x, y } = this;
    const xAxis = xTicks(model.axis, x.domain, model.xLog, box.right - box.left);
    const yAxis = yTicks(y.domain, model.yLog, box.bottom - box.top, model.unit);
    drawAxes(
      g,
      box,
      { scale: x, ticks: xAxis, label: axisLabel(model.axis) },
      { scale: y, ticks: yAxis },
      this.theme,
      this.width,
    );
  }

  private paintLines(): void {
    const { model } = this;
    // A canvas that is touched is copied to the screen whole, drawn on or not; one without content stays hidden.
    this.lines.hidden = model.lines.length === 0;
    if (model.lines.length === 0) return;
    const surface = this.surface(this.context(this.lines));
    const deferred = model.band && crowdOf(model) > FILLED_BANDS;
    this.drawLines(surface, !deferred);
    if (deferred && crowdOf(model) <= DENSITY_LINES) requestPaint(this.bands);
  }

  /** Draws all lines, what is faint first and what is pinned last. */
  private drawLines(surface: Surface, bands: boolean): void {
    const { model, theme } = this;
    const { g } = surface;
    const crowd = crowdOf(model);
    const dense = crowd > DENSITY_LINES;
    g.save();
    clipToBox(g, this.box);
    g.lineJoin = "bevel";
    if (dense) {
      const columns = Math.max(2, Math.round((this.box.right - this.box.left) / 3));
      const many = model.lines.filter(({ stand }) => stand === "normal");
      const quantiles = computeQuantiles(many, this.x, this.box.left, this.box.right, columns);
      drawQuantiles(g, quantiles, this.x, this.y, theme.accent);
    }
    // Many lines are drawn as what they are together, and those that were picked out of them as lines.
    const single = dense ? model.lines.filter(({ stand }) => stand !== "normal") : model.lines;
    for (const line of single) drawGhost(surface, line, model);
    if (bands) this.drawBands(surface);
    for (const line of single) drawRaw(surface, line, model);
    for (const line of single) {
      if (line.stand === "baseline") drawHalo(surface, line, model, theme.surface);
      g.globalAlpha = line.stand === "faint" ? theme.faint : 1;
      drawLine(surface, line, model, widthOf(line.stand, crowd, this.pixelRatio));
      g.globalAlpha = 1;
    }
    g.restore();
    for (const line of single) {
      if (line.stand === "faint") continue;
      drawNonfinite(g, line, this.box, this.x);
      this.drawEnd(g, line);
    }
  }

  private drawBands(surface: Surface): void {
    const { model } = this;
    if (!model.band || crowdOf(model) > DENSITY_LINES) return;
    for (const line of model.lines) {
      if (line.stand !== "faint") drawBand(surface, line, model, line.raw ? 0.09 : 0.16);
    }
  }

  /** The chart as SVG, with a heading above and the names of its lines below. */
  toSvg(heading: string, names: readonly Pick<Line, "label" | "color" | "dash">[]): string {
    const head = 30;
    const rows = legendRows(names, this.width);
    const svg = new SvgContext(this.width, this.height + head + rows.height);
    const g = svg.context;
    g.font = this.theme.font.replace(/^\S+ \S+/, "600 13px");
    g.fillStyle = this.theme.ink;
    g.fillText(heading, 12, 20);
    g.translate(0, head);
    this.measure(g);
    if (this.model.lines.length > 0) this.drawFrame(g);
    this.drawLines({ ...this.surface(g), pixelRatio: 1 }, true);
    g.font = this.theme.font;
    for (const { x, y, name } of rows.places) {
      g.strokeStyle = name.color;
      g.lineWidth = 2.5;
      g.setLineDash([...name.dash]);
      g.beginPath();
      g.moveTo(x, this.height + y);
      g.lineTo(x + 16, this.height + y);
      g.stroke();
      g.setLineDash([]);
      g.fillStyle = this.theme.label;
      g.textAlign = "left";
      g.textBaseline = "middle";
      g.fillText(name.label, x + 22, this.height + y);
    }
    return svg.toString(this.theme.surface);
  }

  private drawEnd(g: CanvasRenderingContext2D, line: Line): void {
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
    const { model, lit } = this;
    // A density is already quiet; dimmed as far as lines it would be gone.
    const dim = crowdOf(model) > DENSITY_LINES ? DENSITY_DIM : this.theme.dim;
    this.lines.style.opacity = lit.length > 0 ? String(dim) : "1";
    this.over.hidden = lit.length === 0;
    if (lit.length === 0) return;
    const g = this.context(this.over);
    const surface = this.surface(g);
    g.lineJoin = "round";
    for (const index of lit) {
      const line = model.lines[index];
      if (!line) continue;
      g.save();
      clipToBox(g, this.box);
      if (model.band) drawBand(surface, line, model, 0.24);
      drawRaw(surface, line, model);
      drawGhost(surface, line, model);
      drawLine(surface, line, model, 2.25);
      g.restore();
      drawNonfinite(g, line, this.box, this.x);
      this.drawEnd(g, line);
    }
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

function push(map: Map<string, number[]>, key: string, value: number): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function widthOf(stand: Stand, crowd: number, pixelRatio: number): number {
  if (stand === "faint") return 1;
  if (stand === "pinned") return 2;
  return stand === "baseline" ? 2.5 : lineWidth(crowd, pixelRatio);
}

type Name = Pick<Line, "label" | "color" | "dash">;

/** Where the names of the lines stand under a saved picture. */
function legendRows(
  names: readonly Name[],
  width: number,
): { height: number; places: { x: number; y: number; name: Name }[] } {
  if (names.length === 0) return { height: 0, places: [] };
  const rowPx = 18;
  const places: { x: number; y: number; name: Name }[] = [];
  let x = 12;
  let y = 12;
  for (const name of names) {
    const room = 22 + name.label.length * 6.4 + 18;
    if (x + room > width && x > 12) {
      x = 12;
      y += rowPx;
    }
    places.push({ x, y, name });
    x += room;
  }
  return { height: y + rowPx, places };
}
