import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import {
  Archive,
  CircleStop,
  CopyPlus,
  Folder,
  FolderInput,
  GitCompare,
  Group,
  RotateCcw,
  Tag,
  Trash2,
  X,
} from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import type { RunSelection } from "@/api/columns";
import { joinFilters, runsFilter } from "@/api/filterText";
import { editRuns, type RunsEdit, type RunsEdited } from "@/api/runsTable";
import { Dialog } from "@/ui/Dialog";
import { formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { COMPARED_RUNS } from "../compare/limits";
import { splitTags } from "./EditCell";
import { countMarks, type Marks } from "./marks";

interface BulkBarProps {
  /** All runs that match, deleted ones in the bin. */
  selection: RunSelection & { deleted?: boolean };
  match: number;
  marks: Marks;
  bin: boolean;
  mayEdit: boolean;
  onClear(): void;
}

type Asking = "tag" | "untag" | "group" | "folder" | "move" | "copy" | "stop" | "purge" | null;

/** What can be done with the marked runs. */
export function BulkBar({ selection, match, marks, bin, mayEdit, onClear }: BulkBarProps) {
  const [asking, setAsking] = useState<Asking>(null);
  const [refused, setRefused] = useState<RunsEdited | null>(null);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const count = countMarks(marks, match);
  const marked = selectionOf(selection, marks);
  const edit = useMutation({
    mutationFn: (change: RunsEdit) => editRuns(marked, change),
    onSuccess: (done, change) => {
      setAsking(null);
      if (done.refused.length > 0) setRefused(done);
      // Runs that are gone from the list must not stay marked.
      else if (change.changes?.deleted !== undefined || change.purge || change.move_to) onClear();
      for (const queryKey of [["runs"], ["project"], ["projects"], ["run"]]) {
        void queries.invalidateQueries({ queryKey });
      }
    },
  });
  if (count === 0) return null;
  const runs = marks.all ? [] : [...marks.keys];
  const compare = () =>
    void navigate({
      to: "/$entity/$project/compare",
      params: { entity: selection.entity, project: selection.project },
      search: { runs: runs.join(",") },
    });
  const item = (label: string, icon: ReactNode, onClick: () => void, danger = false) => (
    <button
      type="button"
      className={`button ${danger ? "danger" : ""}`}
      disabled={edit.isPending}
      onClick={onClick}
    >
      {icon}
      <span>{label}</span>
    </button>
  );
  return (
    <div className="bulk-bar" role="toolbar" aria-label="Marked runs">
      <b>
        {formatCount(count)} {count === 1 ? "run" : "runs"}
      </b>
      {!bin && (
        <button
          type="button"
          className="button primary"
          disabled={marks.all || count < 2 || count > COMPARED_RUNS}
          title={
            marks.all || count > COMPARED_RUNS
              ? `Mark 2 to ${COMPARED_RUNS} runs to see them side by side`
              : count < 2
                ? "Mark a second run to compare it with"
                : undefined
          }
          onClick={compare}
        >
          <GitCompare size={14} />
          <span>Compare</span>
        </button>
      )}
      {mayEdit && !bin && (
        <>
          {item("Tag", <Tag size={14} />, () => setAsking("tag"))}
          {item("Untag", <Tag size={14} />, () => setAsking("untag"))}
          {item("Group", <Group size={14} />, () => setAsking("group"))}
          {item("Folder", <Folder size={14} />, () => setAsking("folder"))}
          {item("Move", <FolderInput size={14} />, () => setAsking("move"))}
          {item("Copy", <CopyPlus size={14} />, () => setAsking("copy"))}
          {item("Stop", <CircleStop size={14} />, () => setAsking("stop"))}
          {item("Archive", <Archive size={14} />, () => edit.mutate({ changes: { archived: true } }))}
          {item("Delete", <Trash2 size={14} />, () => edit.mutate({ changes: { deleted: true } }), true)}
        </>
      )}
      {mayEdit && bin && (
        <>
          {item("Restore", <RotateCcw size={14} />, () => edit.mutate({ changes: { deleted: false } }))}
          {item("Purge for good", <Trash2 size={14} />, () => setAsking("purge"), true)}
        </>
      )}
      <IconButton label="Unmark all" onClick={onClear}>
        <X size={15} />
      </IconButton>
      {edit.error && asking === null && (
        <span className="bad" role="alert">
          {edit.error.message}
        </span>
      )}
      <Ask
        asking={asking}
        count={count}
        pending={edit.isPending}
        error={edit.error}
        onClose={() => {
          setAsking(null);
          edit.reset();
        }}
        onEdit={(change) => edit.mutate(change)}
      />
      <Dialog title="Not all were changed" open={refused !== null} onClose={() => setRefused(null)}>
        {refused && (
          <div className="dialog-body">
            <p>
              {formatCount(refused.changed)} changed, {formatCount(refused.refused.length)} refused:
            </p>
            <ul className="refused">
              {refused.refused.map(({ run_key, reason }) => (
                <li key={run_key}>
                  <code>{run_key}</code> {reason}
                </li>
              ))}
            </ul>
          </div>
        )}
      </Dialog>
    </div>
  );
}

/** The marked runs as a selection: by name, or all that match but those that were unmarked. */
export function selectionOf<Kind extends RunSelection>(selection: Kind, { all, keys }: Marks): Kind {
  if (!all) {
    const { filter: _, search: __, regex: ___, ...rest } = selection;
    return { ...rest, runs: [...keys] } as unknown as Kind;
  }
  if (keys.size === 0) return selection;
  return { ...selection, filter: joinFilters(selection.filter ?? "", `not ${runsFilter([...keys])}`) };
}

interface AskProps {
  asking: Asking;
  count: number;
  pending: boolean;
  error: Error | null;
  onClose(): void;
  onEdit(change: RunsEdit): void;
}

const TITLES: Record<NonNullable<Asking>, string> = {
  tag: "Add tags",
  untag: "Remove tags",
  group: "Set the group",
  folder: "Put into a folder",
  move: "Move to another project",
  copy: "Copy into another project",
  stop: "Stop those that run",
  purge: "Purge for good",
};

function Ask({ asking, count, pending, error, onClose, onEdit }: AskProps) {
  const [text, setText] = useState("");
  const runs = `${formatCount(count)} ${count === 1 ? "run" : "runs"}`;
  const close = () => {
    setText("");
    onClose();
  };
  const change = asking && changeOf(asking, text, count);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!change) return;
    onEdit(change);
    setText("");
  };
  return (
    <Dialog title={asking ? TITLES[asking] : ""} open={asking !== null} onClose={close}>
      <form className="dialog-body" onSubmit={submit}>
        {asking === "stop" ? (
          <p>
            Their trainings are asked to stop, as Ctrl-C in their terminals would. Those of {runs} that do not
            run stay as they are.
          </p>
        ) : asking === "purge" ? (
          <p>
            This erases the logs and files of {runs} from the disk. It cannot be undone. Type{" "}
            <b>purge {count}</b> to go on.
          </p>
        ) : (
          <p className="muted">{HELP[asking ?? "tag"]}</p>
        )}
        {asking !== "stop" && (
          <input
            className="text-input"
            aria-label={asking === "purge" ? `Type purge ${count}` : asking ? TITLES[asking] : ""}
            autoFocus
            spellCheck={false}
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
        {error && (
          <p className="bad" role="alert">
            {error.message}
          </p>
        )}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={close}>
            Cancel
          </button>
          <button
            type="submit"
            className={`button ${asking === "purge" ? "danger solid" : "primary"}`}
            disabled={!change || pending}
          >
            {asking === "purge" ? `Purge ${runs}` : asking === "stop" ? "Stop them" : `Apply to ${runs}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const HELP: Record<string, string> = {
  tag: "Tags, separated by commas.",
  untag: "Tags to take away, separated by commas.",
  group: "The name of the group; empty for none.",
  folder: "A place within this project, such as ablations/width; empty for none.",
  move: "The project as entity/project. Links to the runs keep working.",
  copy: "The project as entity/project. Each copy is a run of its own, with all that was logged.",
};

/** What a dialog asks the server for; null while what was typed is not it. */
export function changeOf(asking: NonNullable<Asking>, text: string, count: number): RunsEdit | null {
  const trimmed = text.trim();
  if (asking === "stop") return { stop: true };
  if (asking === "purge") return trimmed === `purge ${count}` ? { purge: true } : null;
  if (asking === "group") return { changes: { group: trimmed || null } };
  if (asking === "folder") return { changes: { folder: trimmed || null } };
  if (asking === "move" || asking === "copy") {
    const [entity = "", project = "", more] = trimmed.split("/");
    if (!entity || !project || more !== undefined) return null;
    return asking === "move" ? { move_to: { entity, project } } : { copy_to: { entity, project } };
  }
  const tags = splitTags(text);
  if (tags.length === 0) return null;
  return asking === "tag" ? { add_tags: tags } : { remove_tags: tags };
}
