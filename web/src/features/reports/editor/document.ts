// The document that is edited, as JSON of the editor's schema (schema.ts).

export interface Mark {
  type: "bold" | "italic" | "strike" | "code" | "link";
  attrs?: { href: string; title?: string | null };
}

export interface DocNode {
  type: string;
  attrs?: Record<string, unknown>;
  content?: DocNode[];
  text?: string;
  marks?: Mark[];
}

/** A top-level node of the document and the lines of Markdown that it came from, with the blank ones behind it. */
export interface Chunk {
  source: string;
  node: DocNode;
}

/** A node that stands for Markdown that the editor shows and does not take apart. */
export function rawNode(source: string): DocNode {
  return { type: "rawBlock", attrs: { source: source.replace(/\s+$/, "") } };
}

/** Marks in the order in which they are nested, the outermost first. */
export const MARK_ORDER: readonly Mark["type"][] = ["link", "bold", "italic", "strike", "code"];

export function sameMark(a: Mark, b: Mark): boolean {
  return (
    a.type === b.type &&
    (a.attrs?.href ?? null) === (b.attrs?.href ?? null) &&
    (a.attrs?.title ?? null) === (b.attrs?.title ?? null)
  );
}
