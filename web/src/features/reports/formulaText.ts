import type { TokenizerAndRendererExtension } from "marked";
import { formulaAt } from "./blocks";

/** The attribute by which the place of a value is found again: nothing typed in Markdown can have it. */
const PLACE = "data-value";

/** Has Markdown find formulas: each is a place, whose words are the formula until its value stands there. */
export const valueExtensions: readonly TokenizerAndRendererExtension[] = [
  {
    name: "value",
    level: "inline",
    start: (source) => {
      const at = source.indexOf("{{");
      return at < 0 ? undefined : at;
    },
    tokenizer(source) {
      const found = source.startsWith("{{") ? formulaAt(source, 0) : null;
      if (!found) return undefined;
      return { type: "value", raw: source.slice(0, found.end), formula: found.text };
    },
    renderer: (token) => `<code ${PLACE}="${escaped(String(token.formula))}">${escaped(token.raw)}</code>`,
  },
];

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** The places of values below *root*, each with its formula. */
export function valuePlaces(root: HTMLElement): { formula: string; element: HTMLElement }[] {
  return [...root.querySelectorAll<HTMLElement>(`code[${PLACE}]`)].map((code) => {
    const element = document.createElement("span");
    const formula = code.getAttribute(PLACE) ?? "";
    element.textContent = "";
    code.replaceWith(element);
    return { formula, element };
  });
}
