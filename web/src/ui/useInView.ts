import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Charts start to load this far before they scroll in. */
const MARGIN_PX = 200;
/** The class of a page that is about to be printed. */
export const PAPER = "paper";

/** Whether an element is within *marginPx* of the window now. Observers say so some frames later. */
export function isNearWindow(node: Element, marginPx: number): boolean {
  const { top, bottom, width } = node.getBoundingClientRect();
  return width > 0 && bottom > -marginPx && top < window.innerHeight + marginPx;
}

/** A ref, and whether its element is in or near the viewport. */
export function useInView<Node extends Element>(): [RefObject<Node | null>, boolean] {
  const ref = useRef<Node>(null);
  const [inView, setInView] = useState(false);
  useLayoutEffect(() => {
    if (ref.current && isNearWindow(ref.current, MARGIN_PX)) setInView(true);
  }, []);
  useEffect(() => {
    const node = ref.current;
    if (!node) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        const seen = entry?.isIntersecting ?? false;
        // What was brought into view for the printer stays drawn: paper has all of the page.
        if (seen || !document.body.classList.contains(PAPER)) setInView(seen);
      },
      { rootMargin: `${MARGIN_PX}px` },
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return [ref, inView];
}
