// The parts of a PDF of one page (PDF 1.4): text in Helvetica, which every reader of PDF brings along, and operators.

import { short } from "./figure";

/** Widths of Helvetica's characters from space to tilde, in thousandths of the font size (Adobe's metrics). */
const WIDTHS = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
  556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
  500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
  556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
  278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/** Signs outside of Latin-1 that WinAnsiEncoding has, and what stands in for some that it lacks. */
const SIGNS: Readonly<Record<string, number>> = {
  "…": 0x85,
  "‘": 0x91,
  "’": 0x92,
  "“": 0x93,
  "”": 0x94,
  "•": 0x95,
  "–": 0x96,
  "—": 0x97,
  "−": 0x2d,
  "€": 0x80,
};

/** The bytes of *text* in WinAnsiEncoding; what it has no sign for is a question mark. */
function encode(text: string): number[] {
  return [...text].map((sign) => {
    const code = sign.codePointAt(0) ?? 0;
    return (SIGNS[sign] ?? ((code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff)))
      ? (SIGNS[sign] ?? code)
      : 0x3f;
  });
}

/** Width of *text* in points. */
export function widthOf(text: string, size: number): number {
  return (encode(text).reduce((sum, code) => sum + (WIDTHS[code - 0x20] ?? 556), 0) * size) / 1000;
}

/** Drawing operators, collected. */
export class Page {
  private readonly parts: string[] = [];

  put(operators: string): void {
    this.parts.push(operators);
  }

  color(hex: string, operator: "RG" | "rg"): void {
    const parts = [1, 3, 5].map((at) => short(Number.parseInt(hex.slice(at, at + 2), 16) / 255));
    this.put(`${parts.join(" ")} ${operator}`);
  }

  path(points: readonly (readonly [number, number])[]): void {
    points.forEach(([x, y], i) => {
      this.put(`${fixed(x)} ${fixed(y)} ${i === 0 ? "m" : "l"}`);
    });
  }

  text(
    text: string,
    x: number,
    y: number,
    size: number,
    align: "left" | "center" | "right",
    turned: number | boolean = false,
    bold = false,
  ): void {
    const shift = { left: 0, center: 0.5, right: 1 }[align] * widthOf(text, size);
    const codes = encode(text).map((code) => code.toString(16).padStart(2, "0"));
    // Counter-clockwise, as angles on paper go.
    const angle = turned === true ? Math.PI / 2 : Number(turned);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const matrix = `${fixed(cos)} ${fixed(sin)} ${fixed(-sin)} ${fixed(cos)} ${fixed(x - shift * cos)} ${fixed(y - shift * sin)}`;
    this.put(`BT /${bold ? "F2" : "F1"} ${short(size)} Tf ${matrix} Tm <${codes.join("")}> Tj ET`);
  }

  toString(): string {
    return this.parts.join("\n");
  }
}

export function fixed(value: number): string {
  return short(Math.round(value * 100) / 100);
}

/** The objects of the file, and the table that says where each begins. *alphas*: graphics states by opacity. */
export function assemble(
  content: string,
  width: number,
  height: number,
  title: string,
  alphas: Readonly<Record<string, number>>,
): Uint8Array<ArrayBuffer> {
  const titled = encode(title)
    .map((code) => code.toString(16).padStart(2, "0"))
    .join("");
  const states = Object.entries(alphas).map(([name, alpha]) => `/${name} << /ca ${alpha} /CA ${alpha} >>`);
  const resources = `/Font << /F1 5 0 R /F2 7 0 R >> /ExtGState << ${states.join(" ")} >>`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${fixed(width)} ${fixed(height)}] /Resources << ${resources} >> /Contents 4 0 R >>`,
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    `<< /Title <${titled}> /Producer (treering) >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
  ];
  let file = "%PDF-1.4\n";
  const places = objects.map((object, n) => {
    const place = file.length;
    file += `${n + 1} 0 obj\n${object}\nendobj\n`;
    return place;
  });
  const table = file.length;
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  file += places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return Uint8Array.from(file, (sign) => sign.charCodeAt(0)); // all of it is ASCII
}
