import { useMemo } from "react";
import type { Cell, TableColumn } from "@/api/tables";
import { Dialog } from "@/ui/Dialog";
import { SimpleMedia } from "../SimpleMedia";
import { cellText, mediaOf } from "./cells";

interface RowDialogProps {
  runKey: string;
  columns: readonly TableColumn[];
  index: number | null;
  row: readonly Cell[] | null;
  onClose(): void;
}

/** A whole row, with nothing cut off. */
export function RowDialog({ runKey, columns, index, row, onClose }: RowDialogProps) {
  return (
    <Dialog title={`Row ${(index ?? 0) + 1}`} open={index !== null} onClose={onClose} size="wide">
      <dl className="row-detail">
        {row &&
          columns.map((column, i) => (
            <div key={column.name}>
              <dt>
                {column.name} <small>{column.type}</small>
              </dt>
              <dd>
                <WholeCell runKey={runKey} cell={row[i]} column={column} />
              </dd>
            </div>
          ))}
      </dl>
    </Dialog>
  );
}

function WholeCell({ runKey, cell, column }: { runKey: string; cell: Cell; column: TableColumn }) {
  const media = useMemo(() => mediaOf(cell, column.type), [cell, column.type]);
  if (media) {
    return (
      <div className="row-media">
        <SimpleMedia runKey={runKey} value={media} wanted label={column.name} />
      </div>
    );
  }
  return cell === null || cell === undefined ? <span className="cell-missing">missing</span> : cellText(cell);
}
