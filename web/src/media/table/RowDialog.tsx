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
          columns.map(({ name, type }, i) => {
            const media = mediaOf(row[i], type);
            return (
              <div key={name}>
                <dt>
                  {name} <small>{type}</small>
                </dt>
                <dd>
                  {media ? (
                    <div className="row-media">
                      <SimpleMedia runKey={runKey} value={media} wanted label={name} />
                    </div>
                  ) : row[i] === null ? (
                    <span className="cell-missing">missing</span>
                  ) : (
                    cellText(row[i])
                  )}
                </dd>
              </div>
            );
          })}
      </dl>
    </Dialog>
  );
}
