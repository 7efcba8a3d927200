// A canvas that remembers what is drawn into it, so that a picture of any kind can be put on paper in vectors.

export type Rgba = readonly [number, number, number, number];

/** Part of a path, in pixels from the upper left corner: M move, L line, C curve, Z close. */
export type Step =
  | readonly ["M" | "L", number, number]
  | readonly ["C", number, number, number, number, number, number]
  | readonly ["Z"];

export interface PathMark {
  readonly kind: "path";
  readonly path: readonly Step[];
  readonly fill: Rgba | null;
  readonly stroke: Rgba | null;
  readonly width: number;
  readonly dash: readonly number[];
  readonly round: boolean;
  readonly clip: readonly Step[] | null;
}

export interface TextMark {
  readonly kind: "text";
  readonly text: string;
  readonly x: number;
  /** Of the baseline. */
  readonly y: number;
  readonly size: number;
  readonly bold: boolean;
  readonly align: "left" | "center" | "right";
  readonly color: Rgba;
  /** Clockwise, in degrees. */
  readonly turn: number;
}

export type Mark = PathMark | TextMark;

const BLACK: Rgba = [0, 0, 0, 1];
/** Where letters stand below what `textBaseline` names, in their size. */
const DOWN: Readonly<Record<CanvasTextBaseline, number>> = {
  top: 0.8,
  hanging: 0.8,
  middle: 0.35,
  alphabetic: 0,
  ideographic: -0.2,
  bottom: -0.2,
};
/** A quarter of a circle as a curve is off by less than a thousandth (the usual constant 4/3·tan(π/8)). */
const QUARTER = Math.PI / 2;

interface Look {
  fillStyle: string;
  strokeStyle: string;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  lineCap: CanvasLineCap;
}

interface Saved extends Look {
  dash: readonly number[];
  clip: readonly Step[] | null;
  shift: readonly [number, number];
  turn: number;
}

/**
 * Stands in for a CanvasRenderingContext2D: paths, rectangles, arcs, text, dashes, alpha, clipping, translate and rotate.
 *
 * `globalCompositeOperation` is accepted and ignored; draw in the order in which things shall lie. Rims of letters
 * (`strokeText`) are left out: on paper nothing runs behind them.
 */
export class Drawing implements Look {
  fillStyle = "#000000";
  strokeStyle = "#000000";
  lineWidth = 1;
  globalAlpha = 1;
  font = "10px sans-serif";
  textAlign: CanvasTextAlign = "start";
  textBaseline: CanvasTextBaseline = "alphabetic";
  lineCap: CanvasLineCap = "butt";
  lineJoin: CanvasLineJoin = "miter";
  globalCompositeOperation = "source-over";
  readonly marks: Mark[] = [];

  private dash: readonly number[] = [];
  private clipPath: readonly Step[] | null = null;
  private shift: readonly [number, number] = [0, 0];
  private turn = 0;
  private path: Step[] = [];
  private readonly stack: Saved[] = [];
  private readonly ruler = document.createElement("canvas").getContext("2d");

  constructor(
    readonly width: number,
    readonly height: number,
  ) {}

  /** This as the context that drawing functions take. */
  get context(): CanvasRenderingContext2D {
    return this as unknown as CanvasRenderingContext2D;
  }

  save(): void {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, lineCap } = this;
    this.stack.push({
      ...{ fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, lineCap },
      ...{ dash: this.dash, clip: this.clipPath, shift: this.shift, turn: this.turn },
    });
  }

  restore(): void {
    const saved = this.stack.pop();
    if (!saved) return;
    const { dash, clip, shift, turn, ...look } = saved;
    Object.assign(this, look);
    this.dash = dash;
    this.clipPath = clip;
    this.shift = shift;
    this.turn = turn;
  }

  translate(x: number, y: number): void {
    this.shift = this.placed(x, y);
  }

  rotate(angle: number): void {
    this.turn += angle;
  }

  beginPath(): void {
    this.path = [];
  }

  moveTo(x: number, y: number): void {
    this.path.push(["M", ...this.placed(x, y)]);
  }

  lineTo(x: number, y: number): void {
    this.path.push([this.path.length === 0 ? "M" : "L", ...this.placed(x, y)]);
  }

  bezierCurveTo(x1: number, y1: number, x2: number, y2: number, x: number, y: number): void {
    this.path.push(["C", ...this.placed(x1, y1), ...this.placed(x2, y2), ...this.placed(x, y)]);
  }

  closePath(): void {
    this.path.push(["Z"]);
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.moveTo(x, y);
    this.lineTo(x + width, y);
    this.lineTo(x + width, y + height);
    this.lineTo(x, y + height);
    this.closePath();
  }

  arc(x: number, y: number, radius: number, from: number, to: number): void {
    const pieces = Math.max(1, Math.ceil(Math.abs(to - from) / QUARTER - 1e-9));
    const step = (to - from) / pieces;
    const reach = (4 / 3) * Math.tan(step / 4) * radius;
    const on = (angle: number) => [x + radius * Math.cos(angle), y + radius * Math.sin(angle)] as const;
    this.lineTo(...on(from));
    for (let i = 0; i < pieces; i++) {
      const [a, b] = [from + i * step, from + (i + 1) * step];
      const [[ax, ay], [bx, by]] = [on(a), on(b)];
      this.bezierCurveTo(
        ax - reach * Math.sin(a),
        ay + reach * Math.cos(a),
        bx + reach * Math.sin(b),
        by - reach * Math.cos(b),
        bx,
        by,
      );
    }
  }

  setLineDash(dash: readonly number[]): void {
    this.dash = dash;
  }

  clip(): void {
    this.clipPath = this.path;
  }

  stroke(): void {
    this.put(null, this.paint(this.strokeStyle));
  }

  fill(): void {
    this.put(this.paint(this.fillStyle), null);
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    this.beginPath();
    this.rect(x, y, width, height);
    this.fill();
  }

  strokeRect(x: number, y: number, width: number, height: number): void {
    this.beginPath();
    this.rect(x, y, width, height);
    this.stroke();
  }

  clearRect(): void {
    // Fresh paper is empty.
  }

  strokeText(): void {
    // See above.
  }

  fillText(text: string, x: number, y: number): void {
    if (text === "") return;
    const [, weight = "400", size = "10"] = /^(\d+|bold|normal)?\s*([\d.]+)px/.exec(this.font) ?? [];
    const em = Number(size);
    const [px, py] = this.placed(x, y + DOWN[this.textBaseline] * em);
    const align =
      this.textAlign === "center" ? "center" : /right|end/.test(this.textAlign) ? "right" : "left";
    this.marks.push({
      kind: "text",
      text,
      x: px,
      y: py,
      size: em,
      bold: weight === "bold" || Number(weight) >= 600,
      align,
      color: this.paint(this.fillStyle),
      turn: (this.turn * 180) / Math.PI,
    });
  }

  measureText(text: string): TextMetrics {
    if (!this.ruler) return { width: text.length * 6 } as TextMetrics;
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  private placed(x: number, y: number): [number, number] {
    const [cos, sin] = [Math.cos(this.turn), Math.sin(this.turn)];
    return [this.shift[0] + x * cos - y * sin, this.shift[1] + x * sin + y * cos];
  }

  private paint(style: string): Rgba {
    const [r, g, b, a] = rgbaOf(style);
    return [r, g, b, a * this.globalAlpha];
  }

  private put(fill: Rgba | null, stroke: Rgba | null): void {
    if (this.path.length === 0 || (fill ?? stroke ?? BLACK)[3] === 0) return;
    const { lineWidth: width, dash, clipPath: clip } = this;
    this.marks.push({
      ...{ kind: "path", path: this.path, fill, stroke, width, dash, clip },
      round: this.lineCap === "round",
    });
  }
}

/** The colour that a CSS text names, each part 0…1: `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(…)`; all else is black. */
export function rgbaOf(text: string): Rgba {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(text.trim())?.[1];
  if (hex) {
    const whole = hex.length < 6 ? [...hex].map((digit) => digit + digit).join("") : hex;
    const part = (at: number) => Number.parseInt(whole.slice(at, at + 2), 16) / 255;
    return [part(0), part(2), part(4), whole.length >= 8 ? part(6) : 1];
  }
  const parts =
    /^rgba?\(([^)]*)\)$/i
      .exec(text.trim())?.[1]
      ?.split(/[\s,/]+/)
      .filter(Boolean) ?? [];
  const [r, g, b, a = "1"] = parts;
  if (r === undefined || g === undefined || b === undefined) return BLACK;
  const alpha = a.endsWith("%") ? Number.parseFloat(a) / 100 : Number(a);
  return [Number(r) / 255, Number(g) / 255, Number(b) / 255, alpha];
}
