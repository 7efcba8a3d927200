import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import { highlightLines, languageOf, type Token } from "./highlight";

const ROW_PX = 19;
/** Longer texts are shown without colours: the highlighter would stop the page. */
const HIGHLIGHTED = 400_000;

interface SourceLinesProps {
  path: string;
  text: string;
}

/** A text file with line numbers. */
export function SourceLines({ path, text }: SourceLinesProps) {
  const lines = useMemo(
    () => highlightLines(text.replace(/\n$/, ""), text.length > HIGHLIGHTED ? null : languageOf(path)),
    [path, text],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 30,
  });
  return (
    <section
      ref={scroller}
      className="source"
      aria-label={path}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
    >
      <ol style={{ height: `${rows.getTotalSize()}px` }}>
        {rows.getVirtualItems().map((item) => (
          <li key={item.key} style={{ transform: `translateY(${item.start}px)` }}>
            <span className="source-number">{item.index + 1}</span>
            <code>
              <Tokens tokens={lines[item.index] ?? []} />
            </code>
          </li>
        ))}
      </ol>
    </section>
  );
}

export function Tokens({ tokens }: { tokens: readonly Token[] }) {
  return tokens.map(({ text, classes }, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a line have no identity but their place
    <span key={i} className={classes}>
      {text}
    </span>
  ));
}
