import { memo, type ReactNode } from "react";
import { type AnsiSpan, ansiSpans } from "./ansi";

interface LogTextProps {
  text: string;
  /** Marked where it occurs, whatever its case. */
  search: string;
}

/** A line as a terminal would colour it. */
export const LogText = memo(function LogText({ text, search }: LogTextProps) {
  return ansiSpans(text).map((span, i) => (
    // Pieces of a line have no identity but their place.
    // biome-ignore lint/suspicious/noArrayIndexKey: see above
    <Span key={i} span={span} search={search} />
  ));
});

function Span({ span, search }: { span: AnsiSpan; search: string }) {
  const content = marked(span.text, search);
  const style = {
    ...(span.color ? { color: span.color } : {}),
    ...(span.background ? { backgroundColor: span.background } : {}),
  };
  return span.link ? (
    // The address is shown on hover and in the status bar; the text alone may lie about it.
    <a
      href={span.link}
      title={span.link}
      target="_blank"
      rel="noopener noreferrer"
      className={span.classes}
      style={style}
    >
      {content}
    </a>
  ) : (
    <span className={span.classes} style={style}>
      {content}
    </span>
  );
}

function marked(text: string, search: string): ReactNode {
  if (!search) return text;
  const parts: ReactNode[] = [];
  const lower = text.toLowerCase();
  const wanted = search.toLowerCase();
  let at = 0;
  for (let found = lower.indexOf(wanted); found >= 0; found = lower.indexOf(wanted, at)) {
    parts.push(text.slice(at, found), <mark key={found}>{text.slice(found, found + wanted.length)}</mark>);
    at = found + wanted.length;
  }
  parts.push(text.slice(at));
  return parts;
}
