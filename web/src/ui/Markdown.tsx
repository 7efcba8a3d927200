import DOMPurify from "dompurify";
import { Marked } from "marked";
import { useEffect, useRef } from "react";
import { drawFormulas, type Formula, formulaExtensions } from "./math";

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

// HTML inside Markdown is shown as it was typed. Besides being nobody's intention in notes, merely parsing
// it would try style attributes and remote images, each a violation of the page's policy.
const renderer = {
  html: ({ text }: { text: string }) => text.replace(/[&<>"]/g, (letter) => ESCAPES[letter] ?? letter),
};

/** Own instance: its hooks must not meet those of anyone else. */
const purifier = DOMPurify(window);

// A remote image tells its host who reads the notes and when. Its text and address are shown instead.
purifier.addHook("uponSanitizeElement", (node) => {
  if (!(node instanceof HTMLImageElement)) return;
  const source = node.getAttribute("src") ?? "";
  if (/^(data:image\/(png|jpeg|gif|webp);|blob:)/i.test(source)) return;
  const link = document.createElement("a");
  link.href = /^https?:/i.test(source) ? source : "";
  link.textContent = `[image: ${node.alt || source}]`;
  node.replaceWith(link);
});
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (!(node instanceof HTMLAnchorElement)) return;
  node.rel = "noopener noreferrer";
  node.target = "_blank";
});

/** User text as formatted text. It is put in as nodes, never as HTML. */
export default function Markdown({ text }: { text: string }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const formulas: Formula[] = [];
    const markdown = new Marked({ gfm: true, renderer, extensions: formulaExtensions(formulas) });
    const html = markdown.parse(text, { async: false });
    const fragment = purifier.sanitize(html, {
      USE_PROFILES: { html: true },
      // Styles are a way to cover the page with something else, and the policy forbids them anyway.
      FORBID_TAGS: ["style", "form", "input", "button", "video", "audio", "picture", "source"],
      FORBID_ATTR: ["style", "class", "id", "name", "srcset"],
      RETURN_DOM_FRAGMENT: true,
    });
    const root = element.current;
    root?.replaceChildren(fragment);
    // The library that draws them is loaded where there are some; until then they stand as they were typed.
    if (root && formulas.length > 0) drawFormulas(root, formulas).catch(() => {});
  }, [text]);
  return <div ref={element} className="markdown" />;
}
