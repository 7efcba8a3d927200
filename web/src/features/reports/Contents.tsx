import { type RefObject, useEffect, useState } from "react";

interface Entry {
  text: string;
  level: number;
  element: HTMLElement;
}

interface ContentsProps {
  body: RefObject<HTMLElement | null>;
  /** Grows whenever a text of the body was drawn anew. */
  drawn: number;
}

const HEADINGS = ".report-body .markdown :is(h1, h2, h3)";
/** How far below the top of the window a heading may be to be the one that is read. */
const READ_PX = 120;

/** The headings of a report, and which of them is being read. */
export function Contents({ body, drawn }: ContentsProps) {
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  const [active, setActive] = useState(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: headings are looked for when a text was drawn
  useEffect(() => {
    const found = [...(body.current?.querySelectorAll<HTMLElement>(HEADINGS) ?? [])];
    setEntries(
      found.map((element) => ({
        text: element.textContent ?? "",
        level: Number(element.tagName.slice(1)),
        element,
      })),
    );
  }, [body, drawn]);
  useEffect(() => {
    const scroller = body.current?.closest("main");
    if (!scroller) return;
    const follow = () => {
      const passed = entries.filter(({ element }) => element.getBoundingClientRect().top < READ_PX);
      setActive(passed.length - 1);
    };
    follow();
    scroller.addEventListener("scroll", follow, { passive: true });
    return () => scroller.removeEventListener("scroll", follow);
  }, [entries, body]);
  if (entries.length < 2) return null;
  const top = Math.min(...entries.map(({ level }) => level));
  return (
    <nav className="report-contents" aria-label="Contents">
      <ol>
        {entries.map(({ text, level, element }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two headings may have the same words; their place tells them apart
          <li key={`${index} ${text}`} className={`level-${Math.min(3, level - top + 1)}`}>
            <button
              type="button"
              aria-current={index === active ? "location" : undefined}
              onClick={() => element.scrollIntoView({ block: "start" })}
            >
              {text}
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}
