import { cancelPaint, type Paintable, requestPaint } from "./core/frames";
import { CHART_THEMES, type ChartTheme } from "./core/palette";

/** What every chart of runs has, besides what its painter needs. */
export interface PlotModel {
  /** Run keys or group ids; the marks of a chart are named by their place in this list. */
  ids: readonly string[];
}

export interface PlotSize {
  width: number;
  height: number;
  pixelRatio: number;
}

/**
 * One kind of chart. It holds nothing: the picture follows from model, size and theme alone, so that the same
 * painter serves the page and a file.
 */
export interface Painter<Model extends PlotModel, Layout> {
  layOut(g: CanvasRenderingContext2D, model: Model, size: PlotSize, theme: ChartTheme): Layout;
  /** Grid and axes. */
  paintBase(g: CanvasRenderingContext2D, model: Model, layout: Layout, theme: ChartTheme): void;
  /** All marks. */
  paintMarks(g: CanvasRenderingContext2D, model: Model, layout: Layout, theme: ChartTheme): void;
  /** One mark, above all others. */
  paintMark(
    g: CanvasRenderingContext2D,
    model: Model,
    layout: Layout,
    theme: ChartTheme,
    index: number,
  ): void;
  /** The mark that is meant at a place; -1 = none. */
  find(model: Model, layout: Layout, px: number, py: number): number;
  /** Where a mark is; null = nowhere. */
  place(model: Model, layout: Layout, index: number): readonly [number, number] | null;
  /** Marks in the order in which the arrow keys walk them. */
  order(model: Model): readonly number[];
}

/**
 * A chart of runs on three stacked canvases: axes, marks, and the one highlighted mark.
 * Highlighting one of five thousand costs one mark; the others are dimmed by CSS opacity.
 */
export class Plot<Model extends PlotModel, Layout> implements Paintable {
  layout: Layout | null = null;
  highlighted = -1;
  /** The model that the canvases show. */
  painted: Model | null = null;
  /** How long the last full paint took, in milliseconds. */
  paintMs = 0;
  onLayout: ((layout: Layout) => void) | null = null;

  private size: PlotSize = { width: 0, height: 0, pixelRatio: 1 };
  private theme: ChartTheme = CHART_THEMES.light;
  private index = new Map<string, number>();
  private readonly base: HTMLCanvasElement;
  private readonly marks: HTMLCanvasElement;
  private readonly over: HTMLCanvasElement;

  constructor(
    readonly element: HTMLElement,
    private readonly painter: Painter<Model, Layout>,
    public model: Model,
  ) {
    this.base = this.layer();
    this.marks = this.layer();
    this.over = this.layer();
    this.index = indexOf(model);
  }

  destroy(): void {
    cancelPaint(this);
    for (const node of [this.base, this.marks, this.over]) node.remove();
  }

  setTheme(theme: ChartTheme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    requestPaint(this);
  }

  setSize(width: number, height: number): void {
    const pixelRatio = Math.min(2, window.devicePixelRatio || 1);
    const { size } = this;
    if (width === size.width && height === size.height && pixelRatio === size.pixelRatio) return;
    this.size = { width, height, pixelRatio };
    for (const canvas of [this.base, this.marks, this.over]) {
      canvas.width = Math.round(width * pixelRatio);
      canvas.height = Math.round(height * pixelRatio);
    }
    // A resized canvas is empty; waiting for the queue would show it so.
    this.paint();
  }

  setModel(model: Model): void {
    if (model === this.model) return;
    const held = this.model.ids[this.highlighted] ?? null;
    this.model = model;
    this.index = indexOf(model);
    this.highlighted = held === null ? -1 : (this.index.get(held) ?? -1);
    requestPaint(this);
  }

  setHighlight(id: string | null): void {
    const index = id === null ? -1 : (this.index.get(id) ?? -1);
    if (index === this.highlighted) return;
    this.highlighted = index;
    this.paintOver();
  }

  find(px: number, py: number): number {
    return this.layout === null ? -1 : this.painter.find(this.model, this.layout, px, py);
  }

  place(index: number): readonly [number, number] | null {
    return this.layout === null ? null : this.painter.place(this.model, this.layout, index);
  }

  /** Draws everything. Called by the paint queue; call `setModel` or `setTheme` instead. */
  paint(): void {
    const { size, theme, model, painter } = this;
    if (size.width === 0 || size.height === 0) return;
    const start = performance.now();
    const base = this.context(this.base);
    base.font = theme.font;
    const layout = painter.layOut(base, model, size, theme);
    this.layout = layout;
    painter.paintBase(base, model, layout, theme);
    painter.paintMarks(this.context(this.marks), model, layout, theme);
    this.painted = model;
    this.paintOver();
    this.paintMs = performance.now() - start;
    this.onLayout?.(layout);
  }

  private paintOver(): void {
    const { layout, theme, highlighted } = this;
    const on = highlighted >= 0 && layout !== null && this.painter.place(this.model, layout, highlighted);
    this.marks.style.opacity = on ? String(Math.max(theme.dim, 0.3)) : "1";
    this.over.hidden = !on;
    if (on && layout) this.painter.paintMark(this.context(this.over), this.model, layout, theme, highlighted);
  }

  /** A cleared context in CSS pixels. */
  private context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const g = canvas.getContext("2d");
    if (!g) throw new Error("this browser gives no 2d canvas");
    const { width, height, pixelRatio } = this.size;
    g.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    g.clearRect(0, 0, width, height);
    return g;
  }

  private layer(): HTMLCanvasElement {
    const node = document.createElement("canvas");
    node.className = "chart-layer";
    this.element.appendChild(node);
    return node;
  }
}

function indexOf(model: PlotModel): Map<string, number> {
  return new Map(model.ids.map((id, index) => [id, index]));
}
