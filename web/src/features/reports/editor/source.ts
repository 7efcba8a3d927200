// What the Markdown of a document is. Nodes that nobody changed are the same objects as long as they are edited
// around, so each keeps the very bytes that it came from; only changed ones are written anew.

import type { Chunk, DocNode } from "./document";
import { writeNode } from "./toMarkdown";

/** A node of the editor, as far as this file knows it. */
export interface TopNode {
  toJSON(): unknown;
}

interface Origin {
  source: string;
  /** Its place in the text that it came from. */
  place: number;
  /** Which text that was. */
  reading: number;
}

/** Remembers of which lines the nodes of a document came. */
export class Sources {
  private readonly origins = new WeakMap<TopNode, Origin>();
  private reading = 0;

  /** Notes that *nodes* are what was read from *chunks*, one each. */
  note(nodes: readonly TopNode[], chunks: readonly Chunk[]): void {
    this.reading++;
    chunks.forEach(({ source }, place) => {
      const node = nodes[place];
      if (node) this.origins.set(node, { source, place, reading: this.reading });
    });
  }

  /** The Markdown of a document with these top-level nodes. */
  write(nodes: readonly TopNode[]): string {
    let text = "";
    let former: Origin | null = null;
    for (const node of nodes) {
      const origin: Origin | undefined = this.origins.get(node);
      const source: string = origin?.source ?? writeNode(node.toJSON() as DocNode);
      if (source === "") continue; // an empty paragraph, which Markdown has not
      const follows: boolean =
        origin !== undefined &&
        former !== null &&
        origin.reading === former.reading &&
        origin.place === former.place + 1;
      if (text !== "" && !follows) text = apart(text);
      text += source;
      former = origin ?? null;
    }
    return text;
  }
}

/** A text with a blank line at its end. */
function apart(text: string): string {
  const ends = /(\r?\n)*$/.exec(text)?.[0].match(/\n/g)?.length ?? 0;
  return text + "\n".repeat(Math.max(0, 2 - ends));
}
