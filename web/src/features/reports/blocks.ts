// The Markdown of a report in blocks; treering.reports.blocks does the same, and both read the same examples in tests.

import type { Json } from "@/state/layout";

export interface Fields {
  readonly [name: string]: Json;
}

/** A stretch of a report's lines. All sources together are the report. */
export type Block =
  | { kind: "text" | "code"; source: string; line: number }
  | { kind: "figure"; source: string; line: number; value: Fields }
  | { kind: "runs"; source: string; line: number; value: Fields }
  | { kind: "wrong"; source: string; line: number; error: string };

const OPEN = /^( {0,3})(`{3,}|~{3,})(.*)$/;
const CLOSE = /^ {0,3}(`{3,}|~{3,})[ \t]*$/;
const LANGUAGE = "treering";

/** The blocks of a report. What is wrong is a block that says so. */
export function splitBlocks(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = splitLines(markdown);
  let begin = 0;
  let at = 0;
  const endText = (end: number) => {
    if (end > begin) blocks.push({ kind: "text", source: lines.slice(begin, end).join(""), line: begin + 1 });
  };
  while (at < lines.length) {
    const opening = OPEN.exec(bare(lines[at]));
    const [, , fence = "", info = ""] = opening ?? [];
    if (!opening || (fence[0] === "`" && info.includes("`"))) {
      at++;
      continue;
    }
    endText(at);
    let end = at + 1;
    while (end < lines.length && !closes(lines[end], fence)) end++;
    const closed = end < lines.length;
    const after = closed ? end + 1 : end;
    const source = lines.slice(at, after).join("");
    blocks.push(fenced(source, lines.slice(at + 1, end).join(""), info.trim(), at + 1));
    at = after;
    begin = after;
  }
  endText(lines.length);
  return blocks;
}

/** Lines with their ends, as Markdown has them. */
export function splitLines(text: string): string[] {
  return text.match(/[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$/g) ?? [];
}

function bare(line = ""): string {
  return line.replace(/[\r\n]+$/, "");
}

function closes(line: string | undefined, fence: string): boolean {
  const found = CLOSE.exec(bare(line))?.[1] ?? "";
  return found[0] === fence[0] && found.length >= fence.length;
}

function fenced(source: string, body: string, info: string, line: number): Block {
  if (info.split(/\s+/, 1)[0] !== LANGUAGE) return { kind: "code", source, line };
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return { kind: "wrong", source, line, error: `This block is not JSON: ${why}` };
  }
  if (!isFields(value)) {
    return {
      kind: "wrong",
      source,
      line,
      error: 'This block is no JSON object such as {"panel": {"type": "line"}}.',
    };
  }
  if ("panel" in value || "panels" in value) return { kind: "figure", source, line, value };
  if (isFields(value.runs)) return { kind: "runs", source, line, value };
  return { kind: "wrong", source, line, error: 'This block has neither "panel", "panels" nor named "runs".' };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON in a fenced block, as it is written into a report. */
export function writeBlock(value: unknown): string {
  return `\`\`\`${LANGUAGE}\n${JSON.stringify(value, null, 2)}\n\`\`\`\n`;
}

/** A formula in a text: what stands between the braces, without the spaces around it, and where. */
export interface FormulaPlace {
  text: string;
  begin: number;
  end: number;
}

/** The formulas in Markdown that holds no fenced blocks; those within `code` are none. */
export function findFormulas(text: string): FormulaPlace[] {
  const found: FormulaPlace[] = [];
  // A text of braces alone is not to be searched to its end from each of them.
  const last = text.lastIndexOf("}}");
  let at = 0;
  while (at < text.length) {
    const letter = text[at];
    if (letter === "\\") at += 2;
    else if (letter === "`") at = behindCode(text, at);
    else if (text.startsWith("{{", at)) {
      const formula = at < last ? formulaAt(text, at) : null;
      if (formula) found.push(formula);
      at = formula ? formula.end : at + 2;
    } else at++;
  }
  return found;
}

/** The formula that begins at *at*, if one does. */
export function formulaAt(text: string, at: number): FormulaPlace | null {
  const end = text.indexOf("}}", at + 2);
  const newline = text.indexOf("\n", at);
  if (end < 0 || (newline >= 0 && newline < end)) return null;
  return { text: text.slice(at + 2, end).trim(), begin: at, end: end + 2 };
}

function behindCode(text: string, at: number): number {
  let ticks = 1;
  while (text[at + ticks] === "`") ticks++;
  const ends = /`+|\n[ \t]*\n/g;
  ends.lastIndex = at + ticks;
  for (let run = ends.exec(text); run && !run[0].startsWith("\n"); run = ends.exec(text)) {
    if (run[0].length === ticks) return run.index + ticks; // before the paragraph ends, and what began in it with it
  }
  return at + ticks;
}

/** The source of a block without the blank end that editing may change. */
export function trimmed(source: string): string {
  return source.trimEnd();
}

/** What a report says of its run sets, by name, for links to the workspace. */
export function namedSets(markdown: string): ReadonlyMap<string, Fields> {
  const found = new Map<string, Fields>();
  for (const block of splitBlocks(markdown)) {
    if (block.kind !== "runs") continue;
    for (const [name, set] of Object.entries(block.value.runs ?? {})) {
      if (!found.has(name)) found.set(name, set as Fields);
    }
  }
  return found;
}
