// A canvas that writes SVG: what is drawn into it comes out as paths and text, for papers and slides.

const PRECISION = 100;

interface State {
  fillStyle: string;
  strokeStyle: string;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  lineJoin: CanvasLineJoin;
  lineCap: CanvasLineCap;
  dash: readonly number[];
  clip: string | null;
  shift: readonly [number, number];
  turn: number;
}

const START: State = {
  fillStyle: "#000000",
  strokeStyle: "#000000",
  lineWidth: 1,
  globalAlpha: 1,
  font: "10px sans-serif",
  textAlign: "start",
  textBaseline: "alphabetic",
  lineJoin: "miter",
  lineCap: "butt",
  dash: [],
  clip: null,
  shift: [0, 0],
  turn: 0,
};

/**
 * Stands in for a CanvasRenderingContext2D: paths, rectangles, arcs, text, dashes, alpha, clipping, translate and rotate.
 *
 * `globalCompositeOperation` is accepted and ignored; draw in the order in which things shall lie.
 */
export class SvgContext {
  fillStyle = START.fillStyle;
  strokeStyle = START.strokeStyle;
  lineWidth = START.lineWidth;
  globalAlpha = START.globalAlpha;
  font = START.font;
  textAlign: CanvasTextAlign = START.textAlign;
  textBaseline: CanvasTextBaseline = START.textBaseline;
  lineJoin: CanvasLineJoin = START.lineJoin;
  lineCap: CanvasLineCap = START.lineCap;
  globalCompositeOperation = "source-over";

  private dash: readonly number[] = [];
  private clipId: string | null = null;
  private shift: readonly [number, number] = [0, 0];
  private turn = 0;
  private path: string[] = [];
  private readonly stack: State[] = [];
  private readonly parts: string[] = [];
  private readonly clips: string[] = [];
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
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline } = this;
    this.stack.push({
      ...{ fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline },
      lineJoin: this.lineJoin,
      lineCap: this.lineCap,
      dash: this.dash,
      clip: this.clipId,
      shift: this.shift,
      turn: this.turn,
    });
  }

  restore(): void {
    const state = this.stack.pop();
    if (!state) return;
    const { dash, clip, shift, turn, ...rest } = state;
    Object.assign(this, rest);
    this.dash = dash;
    this.clipId = clip;
    this.shift = shift;
    this.turn = turn;
  }

  translate(x: number, y: number): void {
    this.shift = [this.shift[0] + x, this.shift[1] + y];
  }

  rotate(angle: number): void {
    this.turn += angle;
  }

  beginPath(): void {
    this.path = [];
  }

  moveTo(x: number, y: number): void {
    this.path.push(`M${num(x)} ${num(y)}`);
  }

  lineTo(x: number, y: number): void {
    this.path.push(`${this.path.length === 0 ? "M" : "L"}${num(x)} ${num(y)}`);
  }

  bezierCurveTo(x1: number, y1: number, x2: number, y2: number, x: number, y: number): void {
    this.path.push(`C${num(x1)} ${num(y1)} ${num(x2)} ${num(y2)} ${num(x)} ${num(y)}`);
  }

  quadraticCurveTo(x1: number, y1: number, x: number, y: number): void {
    this.path.push(`Q${num(x1)} ${num(y1)} ${num(x)} ${num(y)}`);
  }

  closePath(): void {
    this.path.push("Z");
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.path.push(`M${num(x)} ${num(y)}h${num(width)}v${num(height)}h${num(-width)}Z`);
  }

  arc(x: number, y: number, radius: number, from: number, to: number): void {
    const whole = Math.abs(to - from) >= Math.PI * 2 - 1e-9;
    const r = num(radius);
    if (whole) {
      this.path.push(`M${num(x - radius)} ${num(y)}a${r} ${r} 0 1 0 ${num(2 * radius)} 0`);
      this.path.push(`a${r} ${r} 0 1 0 ${num(-2 * radius)} 0Z`);
      return;
    }
    const [sx, sy] = [x + radius * Math.cos(from), y + radius * Math.sin(from)];
    const [ex, ey] = [x + radius * Math.cos(to), y + radius * Math.sin(to)];
    const large = Math.abs(to - from) > Math.PI ? 1 : 0;
    this.path.push(`${this.path.length === 0 ? "M" : "L"}${num(sx)} ${num(sy)}`);
    this.path.push(`A${r} ${r} 0 ${large} ${to > from ? 1 : 0} ${num(ex)} ${num(ey)}`);
  }

  setLineDash(dash: readonly number[]): void {
    this.dash = dash;
  }

  clip(): void {
    this.clipId = `c${this.clips.length}`;
    this.clips.push(`<clipPath id="${this.clipId}"><path d="${this.path.join("")}"/></clipPath>`);
  }

  stroke(): void {
    if (this.path.length === 0) return;
    const dash = this.dash.length > 0 ? ` stroke-dasharray="${this.dash.map(num).join(" ")}"` : "";
    this.write(
      `<path d="${this.path.join("")}" fill="none" stroke="${xmlText(this.strokeStyle)}" stroke-width="${num(this.lineWidth)}" stroke-linejoin="${this.lineJoin}" stroke-linecap="${this.lineCap}"${dash}${this.look()}/>`,
    );
  }

  fill(): void {
    if (this.path.length === 0) return;
    this.write(`<path d="${this.path.join("")}" fill="${xmlText(this.fillStyle)}"${this.look()}/>`);
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
    // A fresh document is empty.
  }

  fillText(text: string, x: number, y: number): void {
    this.text(text, x, y, `fill="${xmlText(this.fillStyle)}"`);
  }

  /** The rim that keeps lines behind a text from crossing its letters. */
  strokeText(text: string, x: number, y: number): void {
    const paint = `fill="none" stroke="${xmlText(this.strokeStyle)}" stroke-width="${num(this.lineWidth)}"`;
    this.text(text, x, y, `${paint} stroke-linejoin="round"`);
  }

  private text(text: string, x: number, y: number, paint: string): void {
    const [, weight = "400", size = "11", family = "sans-serif"] =
      /^(\d+|bold|normal)?\s*([\d.]+)px\s+(.*)$/.exec(this.font) ?? [];
    const anchor = { center: "middle", right: "end", end: "end", left: "start", start: "start" }[
      this.textAlign
    ];
    // Programs that read SVG disagree about dominant-baseline; a shift of the text is the same in all.
    const em = Number(size);
    const down = { top: 0.8, hanging: 0.8, middle: 0.35, bottom: -0.2, ideographic: -0.2, alphabetic: 0 }[
      this.textBaseline
    ];
    this.write(
      `<text x="${num(x)}" y="${num(y + down * em)}" font-family="${xmlText(family)}" font-size="${size}" font-weight="${weight || "400"}" text-anchor="${anchor}" ${paint}${this.look()}>${xmlText(text)}</text>`,
    );
  }

  measureText(text: string): TextMetrics {
    if (!this.ruler) return { width: text.length * 6 } as TextMetrics;
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  /** The document; *background* is the paper's colour, null leaves it clear. */
  toString(background: string | null = null): string {
    const { width, height } = this;
    const paper = background
      ? `<rect width="${width}" height="${height}" fill="${xmlText(background)}"/>`
      : "";
    const defs = this.clips.length > 0 ? `<defs>${this.clips.join("")}</defs>` : "";
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${defs}${paper}${this.parts.join("\n")}</svg>\n`;
  }

  private write(part: string): void {
    this.parts.push(part);
  }

  private look(): string {
    const alpha = this.globalAlpha < 1 ? ` opacity="${num(this.globalAlpha)}"` : "";
    const clip = this.clipId ? ` clip-path="url(#${this.clipId})"` : "";
    const [x, y] = this.shift;
    const turn = this.turn === 0 ? "" : ` rotate(${num((this.turn * 180) / Math.PI)})`;
    const moved = x !== 0 || y !== 0 || turn ? ` transform="translate(${num(x)} ${num(y)})${turn}"` : "";
    return alpha + clip + moved;
  }
}

function num(value: number): number {
  return Math.round(value * PRECISION) / PRECISION;
}

function xmlText(text: string): string {
  // XML has no place for most control characters, escaped or not.
  return [...text]
    .filter((letter) => letter >= " " || letter === "\t")
    .join("")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
