import { ChevronLeft, ChevronRight, X } from "lucide-react";
import { type RefObject, useCallback, useEffect, useState } from "react";
import { IconButton } from "@/ui/IconButton";

interface PresentProps {
  body: RefObject<HTMLElement | null>;
  /** Grows whenever a text of the body was drawn anew. */
  drawn: number;
  title: string;
  onClose(): void;
}

/**
 * A report for a room: large letters, one section a screen. The page stays as it is; what does not belong to the
 * section is hidden, so that charts keep their size and data.
 */
export function Present({ body, drawn, title, onClose }: PresentProps) {
  const [screens, setScreens] = useState<readonly HTMLElement[][]>([]);
  const [at, setAt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: sections are looked for when a text was drawn
  useEffect(() => setScreens(sectionsOf(body.current)), [body, drawn]);
  const last = Math.max(0, screens.length - 1);
  const step = useCallback((by: number) => setAt((now) => Math.max(0, Math.min(last, now + by))), [last]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const by = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }[
        event.key
      ];
      if (event.target instanceof HTMLElement && event.target.closest("[role=dialog], input, textarea"))
        return;
      if (by) step(by);
      else if (event.key === "Home") setAt(0);
      else if (event.key === "End") setAt(last);
      else if (event.key === "Escape") onClose();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [step, last, onClose]);
  useEffect(() => {
    const shown = new Set(screens[at]);
    const all = screens.flat();
    for (const element of all) element.classList.toggle("off-screen", !shown.has(element));
    body.current?.closest("main")?.scrollTo({ top: 0 });
    // Charts that were hidden have no size until they are measured again.
    window.dispatchEvent(new Event("resize"));
    return () => {
      for (const element of all) element.classList.remove("off-screen");
    };
  }, [screens, at, body]);
  return (
    <nav className="present-bar" aria-label="Presentation">
      <span>{title}</span>
      <span className="grow" />
      <IconButton label="Section before" hint="←" disabled={at === 0} onClick={() => step(-1)}>
        <ChevronLeft size={18} />
      </IconButton>
      <output>
        {Math.min(at, last) + 1} / {last + 1}
      </output>
      <IconButton label="Next section" hint="→" disabled={at >= last} onClick={() => step(1)}>
        <ChevronRight size={18} />
      </IconButton>
      <IconButton label="End presentation" hint="Esc" onClick={onClose}>
        <X size={18} />
      </IconButton>
    </nav>
  );
}

/** What stands on each screen: everything up to the next heading of the first two levels. */
export function sectionsOf(body: HTMLElement | null): HTMLElement[][] {
  const parts = [...(body?.querySelectorAll<HTMLElement>(".report-body > *") ?? [])].flatMap((block) =>
    block.classList.contains("markdown") ? [...block.children] : [block],
  );
  const screens: HTMLElement[][] = [];
  for (const part of parts) {
    if (!(part instanceof HTMLElement) || part.classList.contains("run-sets")) continue;
    if (screens.length === 0 || /^H[12]$/.test(part.tagName)) screens.push([]);
    screens.at(-1)?.push(part);
  }
  return screens.filter((screen) =>
    screen.some((part) => part.textContent?.trim() || part.tagName === "FIGURE"),
  );
}
