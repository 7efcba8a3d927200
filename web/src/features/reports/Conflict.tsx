import { useMemo, useState } from "react";
import type { Report } from "@/api/reports";
import { Dialog } from "@/ui/Dialog";
import { mergeTexts } from "./merge";

interface Written {
  title: string;
  markdown: string;
}

interface ConflictProps {
  mine: Written;
  theirs: Report;
  /** What both began from. */
  base: Written;
  onMerged(merged: Written): void;
  onClose(): void;
}

/** Somebody saved another version meanwhile: both texts, and one that has what each changed. */
export function Conflict({ mine, theirs, base, onMerged, onClose }: ConflictProps) {
  const merge = useMemo(
    () => mergeTexts(base.markdown, mine.markdown, theirs.markdown),
    [base.markdown, mine.markdown, theirs.markdown],
  );
  const [text, setText] = useState(merge.text);
  const marks = text.match(/^(<{7} mine|={7}|>{7} theirs)$/gm)?.length ?? 0;
  const title = mine.title === base.title ? theirs.title : mine.title;
  return (
    <Dialog title={`${theirs.updated_by} saved another version`} open onClose={onClose} size="full">
      <div className="conflict">
        <p>
          Nothing was overwritten. What only one of you changed is merged below
          {merge.conflicts === 0
            ? "; you changed nothing in the same place."
            : `; in ${merge.conflicts} ${merge.conflicts === 1 ? "place" : "places"} both did, and you decide.`}
        </p>
        <div className="conflict-texts">
          <label>
            <span>Mine</span>
            <textarea readOnly value={mine.markdown} spellCheck={false} />
          </label>
          <label>
            <span>Theirs, version {theirs.version}</span>
            <textarea readOnly value={theirs.markdown} spellCheck={false} />
          </label>
          <label>
            <span>Merged</span>
            <textarea value={text} spellCheck={false} onChange={(event) => setText(event.target.value)} />
          </label>
        </div>
        <footer>
          <span className="muted">
            {marks > 0 ? "Take out the marks <<<<<<<, ======= and >>>>>>> where you have decided." : ""}
          </span>
          <span className="grow" />
          <button type="button" className="button" onClick={() => setText(mine.markdown)}>
            Take mine
          </button>
          <button type="button" className="button" onClick={() => setText(theirs.markdown)}>
            Take theirs
          </button>
          <button
            type="button"
            className="button primary"
            disabled={marks > 0}
            onClick={() => onMerged({ title, markdown: text })}
          >
            Go on with the merged text
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
