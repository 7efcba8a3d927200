// From Markdown to the document. What the editor cannot take apart stays Markdown, as a block of its own.

import { Marked, type Token, type Tokens } from "marked";
import { formulaExtensions } from "@/ui/math";
import { splitBlocks } from "../blocks";
import { valueExtensions } from "../formulaText";
import { type Chunk, type DocNode, MARK_ORDER, type Mark, rawNode } from "./document";
import { writeNode } from "./toMarkdown";

const marked = new Marked({ gfm: true, extensions: [...formulaExtensions([]), ...valueExtensions] });

/** The top-level nodes of a text. Their sources together are the text, byte for byte. */
export function readMarkdown(markdown: string): Chunk[] {
  const chunks: Chunk[] = [];
  // Blank lines belong to what stands before them.
  const add = (source: string, node: DocNode) => chunks.push({ source, node });
  for (const block of splitBlocks(markdown)) {
    if (block.kind === "text" || block.kind === "code") readText(block.source, add, chunks);
    else if (block.kind === "wrong") add(block.source, rawNode(block.source));
    else add(block.source, { type: "figureBlock", attrs: { source: block.source.trimEnd() } });
  }
  return chunks;
}

function readText(source: string, add: (source: string, node: DocNode) => void, chunks: Chunk[]): void {
  const tokens = marked.lexer(source);
  if (tokens.map(({ raw }) => raw).join("") !== source) {
    add(source, rawNode(source));
    return;
  }
  let leading = "";
  for (const token of tokens) {
    const last = chunks.at(-1);
    if (token.type === "space") {
      if (last && leading === "") last.source += token.raw;
      else leading += token.raw;
      continue;
    }
    add(leading + token.raw, stable(token.raw, blockNode(token)));
    leading = "";
  }
  const last = chunks.at(-1);
  if (leading && last) last.source += leading;
  else if (leading) add(leading, { type: "paragraph" });
}

/** A node that is the same when it is written and read again; else its Markdown as it is. */
function stable(source: string, node: DocNode | null): DocNode {
  if (node === null) return rawNode(source);
  const again = marked.lexer(writeNode(node)).filter(({ type }) => type !== "space");
  const [first] = again;
  return again.length === 1 && first && JSON.stringify(blockNode(first)) === JSON.stringify(node)
    ? node
    : rawNode(source);
}

/** The node of a block; null for what the schema does not have. */
export function blockNode(token: Token): DocNode | null {
  switch (token.type) {
    case "paragraph":
    case "text":
      return withInline({ type: "paragraph" }, (token as Tokens.Paragraph).tokens ?? [token]);
    case "heading": {
      const { depth, tokens } = token as Tokens.Heading;
      return withInline({ type: "heading", attrs: { level: depth } }, tokens);
    }
    case "code":
      return codeNode(token as Tokens.Code);
    case "hr":
      return { type: "horizontalRule" };
    case "blockquote":
      return withBlocks({ type: "blockquote" }, (token as Tokens.Blockquote).tokens);
    case "list":
      return listNode(token as Tokens.List);
    case "formulaBlock":
      return { type: "mathBlock", attrs: { tex: String((token as Tokens.Generic).tex) } };
    default:
      return null;
  }
}

function codeNode({ text, lang, codeBlockStyle }: Tokens.Code): DocNode | null {
  if (codeBlockStyle === "indented") return null;
  return {
    type: "codeBlock",
    attrs: { language: lang || null },
    ...(text ? { content: [{ type: "text", text }] } : {}),
  };
}

function listNode({ ordered, start, loose, items }: Tokens.List): DocNode | null {
  const content: DocNode[] = [];
  for (const item of items) {
    const tokens = item.tokens.filter(({ type }) => type !== "checkbox");
    const node = withBlocks(
      { type: "listItem", attrs: { checked: item.task ? item.checked === true : null } },
      tokens,
    );
    if (!node) return null;
    content.push(node);
  }
  return {
    type: ordered ? "orderedList" : "bulletList",
    attrs: { ...(ordered ? { start: start || 1 } : {}), loose },
    content,
  };
}

function withBlocks(node: DocNode, tokens: readonly Token[]): DocNode | null {
  const content: DocNode[] = [];
  for (const token of tokens) {
    if (token.type === "space") continue;
    const inner = blockNode(token);
    if (!inner) return null;
    content.push(inner);
  }
  // Items and quotations begin with a paragraph, be it an empty one.
  if (content[0]?.type !== "paragraph") {
    if (content.length > 0 && node.type === "listItem") return null;
    if (content.length === 0) content.unshift({ type: "paragraph" });
  }
  return { ...node, content };
}

function withInline(node: DocNode, tokens: readonly Token[]): DocNode | null {
  const content = inlineNodes(tokens, []);
  if (content === null) return null;
  return content.length > 0 ? { ...node, content: joined(content) } : node;
}

const MARKS: Readonly<Record<string, Mark["type"]>> = { strong: "bold", em: "italic", del: "strike" };
const ENTITY = /&(#\d+|#x[\da-f]+|[a-z][\da-z]*);/i;

function inlineNodes(tokens: readonly Token[], marks: readonly Mark[]): DocNode[] | null {
  const nodes: DocNode[] = [];
  for (const token of tokens) {
    const found = inlineNode(token, marks);
    if (found === null) return null;
    nodes.push(...found);
  }
  return nodes;
}

function inlineNode(token: Token, marks: readonly Mark[]): DocNode[] | null {
  const generic = token as Tokens.Generic;
  switch (token.type) {
    case "text":
      if (generic.tokens) return inlineNodes(generic.tokens, marks);
      // A line that is broken in the Markdown goes on in the page.
      return ENTITY.test(generic.text) ? null : textNodes(generic.text.replaceAll(/ *\n */g, " "), marks);
    case "escape":
      return textNodes(generic.text, marks);
    case "strong":
    case "em":
    case "del": {
      const type = MARKS[token.type];
      return type ? inlineNodes(generic.tokens ?? [], added(marks, { type })) : null;
    }
    case "codespan":
      return textNodes(generic.text, added(marks, { type: "code" }));
    case "link": {
      const { href, title, tokens } = token as Tokens.Link;
      return inlineNodes(tokens, added(marks, { type: "link", attrs: { href, title: title ?? null } }));
    }
    case "image": {
      const { href, title, text } = token as Tokens.Image;
      return [withMarks({ type: "picture", attrs: { src: href, alt: text, title: title ?? null } }, marks)];
    }
    case "br":
      return [{ type: "hardBreak" }];
    case "checkbox":
      return [];
    case "value":
      return [withMarks({ type: "formula", attrs: { formula: String(generic.formula) } }, marks)];
    case "formula":
      return [
        withMarks(
          { type: "math", attrs: { tex: String(generic.tex), display: generic.display === true } },
          marks,
        ),
      ];
    default:
      return null;
  }
}

function textNodes(text: string, marks: readonly Mark[]): DocNode[] {
  return text === "" ? [] : [withMarks({ type: "text", text }, marks)];
}

function withMarks(node: DocNode, marks: readonly Mark[]): DocNode {
  return marks.length > 0 ? { ...node, marks: [...marks] } : node;
}

function added(marks: readonly Mark[], mark: Mark): Mark[] {
  if (marks.some(({ type }) => type === mark.type)) return [...marks];
  return [...marks, mark].sort((a, b) => MARK_ORDER.indexOf(a.type) - MARK_ORDER.indexOf(b.type));
}

/** Neighbouring texts with the same marks are one, as in the editor. */
function joined(nodes: readonly DocNode[]): DocNode[] {
  const result: DocNode[] = [];
  for (const node of nodes) {
    const last = result.at(-1);
    if (
      node.type === "text" &&
      last?.type === "text" &&
      JSON.stringify(node.marks ?? []) === JSON.stringify(last.marks ?? [])
    ) {
      result[result.length - 1] = { ...last, text: (last.text ?? "") + (node.text ?? "") };
    } else result.push(node);
  }
  return result;
}
