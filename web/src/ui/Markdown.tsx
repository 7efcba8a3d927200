import DOMPurify from "dompurify";
import { Marked, type TokenizerAndRendererExtension } from "marked";
import { useEffect, useRef } from "react";
import { type Place, pictureHash, pictures } from "@/api/pictures";
import { drawFormulas, type Formula, formulaExtensions } from "./math";

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

// HTML inside Markdown is shown as it was typed. Besides being nobody's intention in notes, merely parsing
// it would try style attributes and remote images, each a violation of the page's policy.
const renderer = {
  // A box that nobody can tick is a sign and no control.
  checkbox: ({ checked }: { checked: boolean }) => `<span data-task="">${checked ? "☑" : "☐"}</span> `,
  html: ({ text }: { text: string }) => text.replace(/[&<>"]/g, (letter) => ESCAPES[letter] ?? letter),
};

/** Own instance: its hooks must not meet those of anyone else. */
const purifier = DOMPurify(window);

/** The attribute by which the place of a picture is found again: nothing typed in Markdown can have it. */
const PICTURE = "data-picture";

// A remote image tells its host who reads the notes and when. Its text and address are shown instead.
purifier.addHook("uponSanitizeElement", (node) => {
  if (!(node instanceof HTMLImageElement)) return;
  const source = node.getAttribute("src") ?? "";
  const hash = pictureHash(source);
  if (hash) {
    const here = document.createElement("img");
    here.alt = node.alt;
    here.setAttribute(PICTURE, hash);
    if (node.title) here.title = node.title;
    node.replaceWith(here);
    return;
  }
  if (/^(data:image\/(png|jpeg|gif|webp);|blob:)/i.test(source)) return;
  if (node.hasAttribute(PICTURE)) return;
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

const NO_EXTENSIONS: readonly TokenizerAndRendererExtension[] = [];

interface MarkdownProps {
  text: string;
  /** The project whose pictures the text may name; absent = their words stand in their place. */
  place?: Place | undefined;
  /** What else is found in the text. Stable: other ones have it drawn anew. */
  extensions?: readonly TokenizerAndRendererExtension[];
  /** Called when the text stands on the page. */
  onDrawn?: ((root: HTMLElement) => void) | undefined;
}

/** User text as formatted text. It is put in as nodes, never as HTML. */
export default function Markdown({ text, place, extensions = NO_EXTENSIONS, onDrawn }: MarkdownProps) {
  const element = useRef<HTMLDivElement>(null);
  const drawn = useRef(onDrawn);
  drawn.current = onDrawn;
  const where = place ? JSON.stringify({ entity: place.entity, project: place.project }) : null;
  useEffect(() => {
    const formulas: Formula[] = [];
    const markdown = new Marked({
      gfm: true,
      renderer,
      extensions: [...formulaExtensions(formulas), ...extensions],
    });
    const html = markdown.parse(text, { async: false });
    const fragment = purifier.sanitize(html, {
      USE_PROFILES: { html: true },
      // Styles are a way to cover the page with something else, and the policy forbids them anyway.
      FORBID_TAGS: ["style", "form", "input", "button", "video", "audio", "picture", "source"],
      FORBID_ATTR: ["style", "class", "id", "name", "srcset"],
      RETURN_DOM_FRAGMENT: true,
    });
    const root = element.current;
    if (!root) return;
    root.replaceChildren(fragment);
    // The library that draws them is loaded where there are some; until then they stand as they were typed.
    if (formulas.length > 0) drawFormulas(root, formulas).catch(() => {});
    drawn.current?.(root);
    return drawPictures(root, where);
  }, [text, extensions, where]);
  return <div ref={element} className="markdown" />;
}

/** Fetches the pictures into their places, with what this browser may see. Returns how to let go of them. */
function drawPictures(root: HTMLElement, where: string | null): () => void {
  let current = true;
  const held: string[] = [];
  for (const image of root.querySelectorAll<HTMLImageElement>(`img[${PICTURE}]`)) {
    const hash = image.getAttribute(PICTURE) ?? "";
    if (where === null) {
      lacking(image);
      continue;
    }
    held.push(hash);
    pictures.acquire(where, hash).then(
      ({ url }) => {
        if (current) image.src = url;
      },
      () => {
        if (current) lacking(image);
      },
    );
  }
  return () => {
    current = false;
    for (const hash of held) pictures.release(hash);
  };
}

function lacking(image: HTMLImageElement): void {
  const words = document.createElement("i");
  words.textContent = `[picture: ${image.alt || "not here"}]`;
  image.replaceWith(words);
}
