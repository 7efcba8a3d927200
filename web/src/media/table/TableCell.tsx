import { useMemo } from "react";
import type { Cell } from "@/api/tables";
import { AudioView } from "../audio/AudioView";
import { ImageTile } from "../image/ImageTile";
import { cellText, isNumeric, mediaOf, vectorSize } from "./cells";

interface TableCellProps {
  runKey: string;
  cell: Cell;
  type: string;
  column: string;
}

const VECTOR_SHOWN = 4;

/** One cell: a number, text, or a small view of a media value. */
export function TableCell({ runKey, cell, type, column }: TableCellProps) {
  // Cells that came as text are read once: what is made of a value begins anew with each new one.
  const media = useMemo(() => mediaOf(cell, type), [cell, type]);
  if (cell === null || cell === undefined) return <span className="cell-missing">missing</span>;
  if (media?._type === "image-file") {
    return (
      <span className="cell-image">
        <ImageTile runKey={runKey} value={media} wanted label={column} />
      </span>
    );
  }
  if (media?._type === "audio-file") return <AudioView runKey={runKey} value={media} wanted label={column} />;
  if (media) return <span className="chip">{media._type.replace(/-file$/, "")}</span>;
  if (vectorSize(type) !== null && Array.isArray(cell)) {
    const head = cell
      .slice(0, VECTOR_SHOWN)
      .map((value) => (typeof value === "number" ? value.toPrecision(3) : String(value)));
    return (
      <span className="mono">
        [{head.join(", ")}
        {cell.length > VECTOR_SHOWN ? ", …" : ""}]
      </span>
    );
  }
  return <span className={isNumeric(type) ? "cell-number" : "cell-text"}>{cellText(cell)}</span>;
}
