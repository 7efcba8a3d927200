import { type RefObject, useEffect, useRef, useState } from "react";

/** Charts start to load this far before they scroll in. */
const MARGIN = "200px";

/** A ref, and whether its element is in or near the viewport. */
export function useInView<Node extends Element>(): [RefObject<Node | null>, boolean] {
  const ref = useRef<Node>(null);
  const [inView, setInView] = useState(false);
  useEffect(() => {
    const node = ref.current;
    if (!node) return;
    const observer = new IntersectionObserver(([entry]) => setInView(entry?.isIntersecting ?? false), {
      rootMargin: MARGIN,
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return [ref, inView];
}
