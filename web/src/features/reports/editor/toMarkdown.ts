// From the document to Markdown. Only what was changed is written anew; see `source.ts`.

import { type DocNode, MARK_ORDER, type Mark, sameMark } from "./document";

/** The Markdown of a block, with a line end behind it. */
export function writeNode(node: DocNode): string {
  const lines = blockLines(node);
  return lines.length > 0 ? `${lines.join("\n")}\n` : "";
}

function blockLines(node: DocNode): string[] {
  switch (node.type) {
    case "paragraph":
      return paragraphLines(node);
    case "heading":
      return [
        `${"#".repeat(Number(node.attrs?.level ?? 1))} ${inline(node.content).replaceAll("\n", " ")}`.trimEnd(),
      ];
    case "codeBlock":
      return codeLines(node);
    case "horizontalRule":
      return ["---"];
    case "blockquote":
      return childLines(node.content ?? [], true).map((line) => (line ? `> ${line}` : ">"));
    case "bulletList":
    case "orderedList":
      return listLines(node);
    case "mathBlock":
      return ["$$", ...String(node.attrs?.tex ?? "").split("\n"), "$$"];
    case "rawBlock":
    case "figureBlock":
      return String(node.attrs?.source ?? "").split("\n");
    default:
      return [];
  }
}

/** Lines that would begin something else than a paragraph. */
const BLOCK_START = /^(#{1,6}(?=\s|$)|[-+](?=\s|$)|>|={2,}\s*$|-{2,}\s*$|\|)/;
const NUMBER_START = /^(\d{1,9})([.)])(?=\s|$)/;

function paragraphLines(node: DocNode): string[] {
  const text = inline(node.content);
  if (text === "") return [];
  return text.split("\n").map((line) =>
    line
      .replace(/^[ \t]+/, "")
      .replace(BLOCK_START, "\\$1")
      .replace(NUMBER_START, "$1\\$2"),
  );
}

function codeLines(node: DocNode): string[] {
  const text = (node.content ?? []).map((child) => child.text ?? "").join("");
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}${String(node.attrs?.language ?? "")}`, ...(text === "" ? [] : text.split("\n")), fence];
}

function listLines(node: DocNode): string[] {
  const ordered = node.type === "orderedList";
  const loose = node.attrs?.loose === true;
  const start = Number(node.attrs?.start ?? 1);
  const lines: string[] = [];
  (node.content ?? []).forEach((item, place) => {
    const marker = ordered ? `${start + place}. ` : "- ";
    const checked = item.attrs?.checked;
    const box = checked === true ? "[x] " : checked === false ? "[ ] " : "";
    const inner = childLines(item.content ?? [], loose);
    if (loose && place > 0) lines.push("");
    const [first = "", ...rest] = inner;
    lines.push(`${marker}${box}${first}`.trimEnd());
    for (const line of rest) lines.push(line ? " ".repeat(marker.length) + line : "");
  });
  return lines;
}

/** Blocks below each other; *apart* by blank lines, which a tight list has not. */
function childLines(nodes: readonly DocNode[], apart: boolean): string[] {
  const lines: string[] = [];
  nodes.forEach((node, place) => {
    const isList = node.type === "bulletList" || node.type === "orderedList";
    if (place > 0 && (apart || !isList)) lines.push("");
    lines.push(...blockLines(node));
  });
  return lines;
}

// ── within a line ────────────────────────────────────────────────────────────────────────────────────────────────

const SIGNS: Readonly<Record<"bold" | "italic" | "strike", string>> = {
  bold: "**",
  italic: "*",
  strike: "~~",
};

/** The Markdown of what stands in a paragraph. */
export function inline(nodes: readonly DocNode[] | undefined): string {
  let text = "";
  let open: Mark[] = [];
  const close = (keep: number) => {
    while (open.length > keep) text += closing(open.pop() as Mark);
  };
  for (const node of spaced(nodes ?? [])) {
    const marks = outerMarks(node);
    let common = 0;
    while (common < open.length && common < marks.length && same(open[common], marks[common])) common++;
    close(common);
    for (const mark of marks.slice(common)) {
      text += opening(mark);
      open.push(mark);
    }
    text += leaf(node);
  }
  close(0);
  open = [];
  return text;
}

function same(a: Mark | undefined, b: Mark | undefined): boolean {
  return a !== undefined && b !== undefined && sameMark(a, b);
}

/** The marks that have signs around others; code is written with its text. */
function outerMarks(node: DocNode): Mark[] {
  return (node.marks ?? [])
    .filter(({ type }) => type !== "code")
    .sort((a, b) => MARK_ORDER.indexOf(a.type) - MARK_ORDER.indexOf(b.type));
}

function opening(mark: Mark): string {
  return mark.type === "link" ? "[" : SIGNS[mark.type as keyof typeof SIGNS];
}

function closing(mark: Mark): string {
  if (mark.type !== "link") return SIGNS[mark.type as keyof typeof SIGNS];
  return `](${address(mark.attrs?.href ?? "", mark.attrs?.title ?? null)})`;
}

function address(href: string, title: string | null): string {
  const plain = /^[^\s<>()\\]*$/.test(href) && href !== "";
  const target = plain
    ? href
    : `<${href.replaceAll(/[<>\\\n]/g, (letter) => (letter === "\n" ? "" : `\\${letter}`))}>`;
  return title ? `${target} "${title.replaceAll(/["\\]/g, "\\$&")}"` : target;
}

function leaf(node: DocNode): string {
  switch (node.type) {
    case "text":
      return node.marks?.some(({ type }) => type === "code")
        ? codeSpan(node.text ?? "")
        : escaped(node.text ?? "");
    case "hardBreak":
      return "\\\n";
    case "formula":
      return `{{ ${String(node.attrs?.formula ?? "")} }}`;
    case "math": {
      const sign = node.attrs?.display === true ? "$$" : "$";
      return `${sign}${String(node.attrs?.tex ?? "")}${sign}`;
    }
    case "picture": {
      const {
        src = "",
        alt = "",
        title = null,
      } = (node.attrs ?? {}) as { src?: string; alt?: string; title?: string | null };
      return `![${alt.replaceAll(/[[\]\\]/g, "\\$&")}](${address(src, title)})`;
    }
    default:
      return "";
  }
}

function codeSpan(text: string): string {
  const runs = new Set([...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  let length = 1;
  while (runs.has(length)) length++;
  const ticks = "`".repeat(length);
  const pad = /^`|`$|^ .*\S.* $/.test(text) ? " " : "";
  return `${ticks}${pad}${text}${pad}${ticks}`;
}

/** Text whose signs mean nothing. */
export function escaped(text: string): string {
  return text
    .replaceAll(/[\\`*[\]~$]/g, "\\$&")
    .replaceAll(/(?<![\p{L}\d])_|_(?![\p{L}\d])/gu, "\\_")
    .replaceAll(/<(?=[a-z/!?])/gi, "\\<")
    .replaceAll(/&(?=#?[a-z\d]+;)/gi, "\\&")
    .replaceAll("{{", "\\{{");
}

/** Spaces at the edges of marked texts stand outside of them: `** bold**` is no bold text. */
function spaced(nodes: readonly DocNode[]): DocNode[] {
  const pieces = nodes.flatMap((node): DocNode[] => {
    if (node.type !== "text" || outerMarks(node).length === 0) return [node];
    const isCode = node.marks?.some(({ type }) => type === "code");
    const [, before = "", core = "", after = ""] = isCode
      ? ["", "", node.text ?? "", ""]
      : (/^(\s*)([\s\S]*?)(\s*)$/.exec(node.text ?? "") ?? []);
    return [before, core, after].flatMap((text, part) =>
      text === "" ? [] : [{ ...node, text, attrs: { edge: part !== 1 } }],
    );
  });
  return pieces.map((piece, place) => {
    if (piece.attrs?.edge !== true) return piece;
    const before = outerMarks(pieces[place - 1] ?? { type: "" });
    const after = outerMarks(pieces[place + 1] ?? { type: "" });
    const kept = before.filter((mark) => after.some((other) => sameMark(mark, other)));
    return { type: "text", text: piece.text ?? "", ...(kept.length > 0 ? { marks: kept } : {}) };
  });
}
