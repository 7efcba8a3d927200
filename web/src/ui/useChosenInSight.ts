import { useLocation } from "@tanstack/react-router";
import { type RefObject, useEffect, useRef } from "react";

/** For a bar of tabs that scrolls where they do not fit: the chosen one is always in sight. */
export function useChosenInSight(): RefObject<HTMLElement | null> {
  const bar = useRef<HTMLElement>(null);
  const path = useLocation({ select: ({ pathname }) => pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another address is another chosen tab
  useEffect(() => {
    const chosen = bar.current?.querySelector("[aria-current]");
    // Only sideways and only the bar: the page must not move.
    if (!bar.current || !(chosen instanceof HTMLElement)) return;
    const { offsetLeft, offsetWidth } = chosen;
    bar.current.scrollLeft =
      offsetLeft - bar.current.offsetLeft - (bar.current.clientWidth - offsetWidth) / 2;
  }, [path]);
  return bar;
}
