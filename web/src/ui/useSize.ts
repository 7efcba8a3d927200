import { type RefObject, useEffect, useRef, useState } from "react";

/** A ref, and the size of its element in CSS pixels; zeros before the first layout. */
export function useSize<Node extends Element>(): [RefObject<Node | null>, { width: number; height: number }] {
  const ref = useRef<Node>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const node = ref.current;
    if (!node) return;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      setSize((former) => (former.width === width && former.height === height ? former : { width, height }));
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}
