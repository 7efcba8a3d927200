import { ChevronLeft, ChevronRight } from "lucide-react";
import { IconButton } from "./IconButton";

interface PagerProps {
  offset: number;
  /** Rows that a page has. */
  page: number;
  total: number;
  onMove(offset: number): void;
}

/** Steps through a list in pages; nothing where one page holds it. */
export function Pager({ offset, page, total, onMove }: PagerProps) {
  if (total <= page) return null;
  return (
    <>
      <IconButton
        label="Page before"
        disabled={offset === 0}
        onClick={() => onMove(Math.max(0, offset - page))}
      >
        <ChevronLeft size={15} />
      </IconButton>
      <IconButton label="Next page" disabled={offset + page >= total} onClick={() => onMove(offset + page)}>
        <ChevronRight size={15} />
      </IconButton>
    </>
  );
}
