import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { editRun, queryKeys } from "@/api/queries";
import type { TableRow } from "@/api/runsTable";
import type { RunEdit } from "@/api/types";

interface EditCellProps {
  row: TableRow;
  /** name, notes, tags, group or folder. */
  by: string;
  onDone(): void;
}

/** A cell as a field. Enter and leaving it keep what was typed, Escape does not. */
export function EditCell({ row, by, onDone }: EditCellProps) {
  const before = textOf(row, by);
  const [text, setText] = useState(before);
  const queries = useQueryClient();
  const edit = useMutation({
    mutationFn: (change: RunEdit) => editRun(row.run_key, change),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: queryKeys.runs(row.entity, row.project) });
      void queries.invalidateQueries({ queryKey: queryKeys.run(row.run_key) });
      onDone();
    },
  });
  const save = () => {
    if (edit.isPending) return;
    const change = text === before ? null : editOf(by, text);
    if (change) edit.mutate(change);
    else onDone();
  };
  return (
    <input
      className={`cell-input ${edit.error ? "bad" : ""}`}
      aria-label={`${by} of ${row.name}`}
      aria-invalid={edit.error !== null}
      title={edit.error ? edit.error.message : by === "tags" ? "Separated by commas" : undefined}
      // biome-ignore lint/a11y/noAutofocus: the field replaces what was clicked
      autoFocus
      value={text}
      disabled={edit.isPending}
      onChange={(event) => setText(event.target.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.key === "Enter") save();
        else if (event.key === "Escape") {
          setText(before);
          onDone();
        } else return;
        event.stopPropagation();
      }}
    />
  );
}

function textOf(row: TableRow, by: string): string {
  if (by === "tags") return row.tags.join(", ");
  if (by === "notes") return row.notes ?? "";
  if (by === "folder") return row.folder ?? "";
  return (by === "group" ? row.group : row.name) ?? "";
}

/** What was typed as a change of the run; null where it cannot be one. */
export function editOf(by: string, text: string): RunEdit | null {
  if (by === "notes") return { notes: text };
  if (by === "tags") return { tags: splitTags(text) };
  const trimmed = text.trim();
  if (by === "group") return { group: trimmed || null };
  if (by === "folder") return { folder: trimmed || null };
  return trimmed ? { name: trimmed } : null;
}

/** Tags as people write them: separated by commas, each once. */
export function splitTags(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()))].filter(Boolean);
}
