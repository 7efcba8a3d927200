import Anser from "anser";

/** A piece of a line in one style. */
export interface AnsiSpan {
  text: string;
  /** Classes for the sixteen colours that a theme gives, and for bold, italic, … */
  classes: string;
  color: string | null;
  background: string | null;
  /** Where a terminal would follow it to; only http and https. */
  link: string | null;
}

// OSC 8 marks links: ESC ] 8 ; parameters ; address ST. ST is ESC \ or BEL.
const LINK = /\x1b\]8;[^;\x07\x1b]*;([^\x07\x1b]*)(?:\x1b\\|\x07)/g;
// Every other control sequence but colours (CSI … m): what would move a cursor or rename a window.
const OTHER_SEQUENCES =
  /\x1b\][^\x07\x1b]*(?:\x1b\\|\x07)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b[^[\]PX^_]|\x9b[0-?]*[ -/]*[@-~]/g;
const CONTROLS = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f\x80-\x9f]|\x1b(?!\[)/g;

/** A line of console output as styled text. Whatever else its control characters say is left out. */
export function ansiSpans(line: string): AnsiSpan[] {
  const spans: AnsiSpan[] = [];
  let link: string | null = null;
  let at = 0;
  let style = "";
  for (const match of line.matchAll(LINK)) {
    style = push(spans, style, line.slice(at, match.index), link);
    link = httpLink(match[1] ?? "");
    at = match.index + match[0].length;
  }
  push(spans, style, line.slice(at), link);
  return spans;
}

/** The line without any control sequence, to search in and to copy. */
export function plainText(line: string): string {
  return ansiSpans(line)
    .map(({ text }) => text)
    .join("");
}

function httpLink(address: string): string | null {
  if (!/^https?:\/\//i.test(address)) return null;
  try {
    return new URL(address).href;
  } catch {
    return null;
  }
}

/** Adds styled pieces and returns the colour codes that are still in force behind them. */
function push(spans: AnsiSpan[], style: string, raw: string, link: string | null): string {
  const text = raw.replace(OTHER_SEQUENCES, "").replace(CONTROLS, "");
  for (const piece of Anser.ansiToJson(style + text, { use_classes: true, remove_empty: true })) {
    if (!piece.content) continue;
    const foreground = colorOf(piece.fg, piece.fg_truecolor);
    const background = colorOf(piece.bg, piece.bg_truecolor);
    spans.push({
      text: piece.content.replaceAll("\x1b", ""),
      classes: [
        foreground === null && piece.fg,
        background === null && piece.bg && `${piece.bg}-bg`,
        ...piece.decorations.map((name) => `ansi-${name}`),
      ]
        .filter(Boolean)
        .join(" "),
      color: foreground,
      background,
      link,
    });
  }
  return style + (text.match(/\x1b\[[\d;:]*m/g) ?? []).join("");
}

/** A colour beyond the sixteen of the theme; null for those. */
function colorOf(name: string | null, truecolor: string | null): string | null {
  if (!name) return null;
  if (name.endsWith("truecolor"))
    return truecolor && /^[\d, ]+$/.test(truecolor) ? `rgb(${truecolor})` : null;
  const match = /palette-(\d+)$/.exec(name);
  return match ? paletteColor(Number(match[1])) : null;
}

/** The 6×6×6 cube and the greys of xterm. */
export function paletteColor(index: number): string {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const cube = Math.max(0, index - 16);
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  return `rgb(${level(Math.floor(cube / 36))}, ${level(Math.floor(cube / 6) % 6)}, ${level(cube % 6)})`;
}
