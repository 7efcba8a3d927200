import type { TokenizerAndRendererExtension } from "marked";

const MENTION = /^@([\p{L}\d][\p{L}\d._-]*[\p{L}\d]|[\p{L}\d])/u;

/** `@name` is told apart from other words. It is a word and no link: nobody is notified by it. */
export const mentionExtensions: readonly TokenizerAndRendererExtension[] = [
  {
    name: "mention",
    level: "inline",
    start: (source) => /(?<![\p{L}\d._/-])@[\p{L}\d]/u.exec(source)?.index,
    tokenizer(source) {
      const found = MENTION.exec(source);
      return found ? { type: "mention", raw: found[0] } : undefined;
    },
    renderer: (token) => `<strong data-mention="">${escaped(token.raw)}</strong>`,
  },
];

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
