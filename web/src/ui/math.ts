import type { TokenizerAndRendererExtension } from "marked";

/** Longer formulas are shown as they were typed: a page is no place for them, and they could take seconds. */
export const FORMULA_MAX_CHARS = 2_000;
/** Formulas of one text that are drawn. */
export const FORMULAS_MAX = 200;
/** Macros that one formula may expand, and the largest size that it may ask for, in em. */
const EXPANSIONS_MAX = 300;
const SIZE_MAX_EM = 20;

/** Its frame, and the strokes of \pmb, would be style attributes: they are left out. */
const FRAMED = /\\fcolorbox\s*\{[^{}]*\}/g;

/** The attribute by which the place of a formula is found again: nothing typed in Markdown can have it. */
export const PLACE = "data-formula";

export interface Formula {
  tex: string;
  display: boolean;
}

// "$5 and $6" is money and "$HOME:$PATH" are names, "$x$ and $y$" are two formulas, and "the $n$th" has one.
const INLINE = /^\$(?![\s$])((?:\\[^\n]|[^\\$\n])+?)(?<!\s)\$(?![\dA-Z_$])/;
const DISPLAY_INLINE = /^\$\$(?!\$)((?:\\[\s\S]|[^\\$])+?)\$\$/;
const BLOCK = /^ {0,3}\$\$(?!\$)((?:\\[\s\S]|[^\\$])+?)\$\$[ \t]*(?:\n|$)/;
const BEFORE = /[\w\\$]$/;

/** Where a dollar sign may begin a formula: not within a word, and not behind a backslash. */
function begin(source: string): number | undefined {
  let at = source.indexOf("$");
  while (at >= 0) {
    const rest = source.slice(at);
    if (
      !(at > 0 && BEFORE.test(source.slice(at - 1, at))) &&
      (DISPLAY_INLINE.test(rest) || INLINE.test(rest))
    )
      return at;
    at = source.indexOf("$", at + 1);
  }
  return undefined;
}

/** Whether what looks like a formula is two prices: "$5, or $6" has no closing sign, "$5/h … 6$" is left alone, too. */
function isMoney(tex: string): boolean {
  return /^\d[\d.,]*\s/.test(tex) && !/[\\^_=+{}<>]/.test(tex);
}

/** Has Markdown find formulas; what is found goes into *formulas*, and a numbered place into the text. */
export function formulaExtensions(formulas: Formula[]): TokenizerAndRendererExtension[] {
  const place = (tex: string, display: boolean, raw: string) => {
    if (tex.length > FORMULA_MAX_CHARS || formulas.length >= FORMULAS_MAX)
      return `<code>${escaped(raw)}</code>`;
    formulas.push({ tex, display });
    return `<code ${PLACE}="${formulas.length - 1}">${escaped(raw)}</code>`;
  };
  return [
    {
      name: "formulaBlock",
      level: "block",
      start: (source) => source.match(/^ {0,3}\$\$/m)?.index,
      tokenizer(source) {
        const found = BLOCK.exec(source);
        if (found?.[1] === undefined) return undefined;
        return { type: "formulaBlock", raw: found[0], tex: found[1].trim() };
      },
      renderer: (token) => `<p>${place(String(token.tex), true, token.raw.trim())}</p>\n`,
    },
    {
      name: "formula",
      level: "inline",
      start: begin,
      tokenizer(source) {
        const display = DISPLAY_INLINE.exec(source);
        const found = display ?? INLINE.exec(source);
        if (found?.[1] === undefined || (display === null && isMoney(found[1]))) return undefined;
        return { type: "formula", raw: found[0], tex: found[1].trim(), display: display !== null };
      },
      renderer: (token) => place(String(token.tex), token.display === true, token.raw),
    },
  ];
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** Draws the formulas into their places below *root*. One that is wrong stays as it was typed and says why. */
export async function drawFormulas(root: Element, formulas: readonly Formula[]): Promise<void> {
  const places = [...root.querySelectorAll(`[${PLACE}]`)];
  if (places.length === 0) return;
  const [{ default: katex }] = await Promise.all([import("katex"), import("katex/dist/katex.min.css")]);
  for (const place of places) {
    const formula = formulas[Number(place.getAttribute(PLACE))];
    if (formula === undefined || !place.isConnected) continue;
    const drawn = document.createElement("span");
    drawn.className = formula.display ? "formula display" : "formula";
    try {
      // Made as elements, whose styles are set one by one: markup with style attributes is what the policy forbids.
      katex.render(formula.tex.replace(FRAMED, "\\colorbox"), drawn, {
        displayMode: formula.display,
        output: "htmlAndMathml",
        // No links, no pictures, no attributes of its own.
        trust: false,
        strict: "ignore",
        errorColor: "var(--bad)",
        macros: { "\\pmb": "\\boldsymbol{#1}" },
        maxExpand: EXPANSIONS_MAX,
        maxSize: SIZE_MAX_EM,
      });
    } catch (error) {
      place.setAttribute("title", error instanceof Error ? error.message : String(error));
      place.classList.add("formula-wrong");
      continue;
    }
    place.replaceWith(drawn);
  }
}
