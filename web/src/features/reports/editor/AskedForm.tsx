import type { Editor } from "@tiptap/react";
import { lazy, Suspense, useState } from "react";
import { Dialog } from "@/ui/Dialog";
import { splitBlocks, writeBlock } from "../blocks";
import { putIn } from "./putIn";
import type { Asked, Stage } from "./stage";

const FigureForm = lazy(() => import("./FigureForm"));
const RunSetsForm = lazy(() => import("./RunSetsForm"));
const FormulaForm = lazy(() => import("./FormulaForm"));

interface AskedFormProps {
  asked: Asked;
  editor: Editor;
  stage: Stage;
  onClose(): void;
}

/** The form of a figure, of run sets, of a number: beside the page, since a node of it can be drawn anew any time. */
export function AskedForm({ asked, editor, stage, onClose }: AskedFormProps) {
  const { kind, position, source } = asked;
  const { place } = stage;
  const put = (type: string, attrs: Record<string, unknown>) => {
    if (position === null) putIn(editor, [{ type, attrs }]);
    else
      editor
        .chain()
        .command(({ tr }) => {
          tr.setNodeMarkup(position, undefined, attrs);
          return true;
        })
        .run();
  };
  const block = kind === "formula" ? null : (splitBlocks(source)[0] ?? null);
  const putBlock = (value: unknown) => put("figureBlock", { source: writeBlock(value).trimEnd() });
  return (
    <Suspense>
      {kind === "figure" && block?.kind === "figure" && (
        <FigureForm value={block.value} place={place} sets={stage.sets} onSave={putBlock} onClose={onClose} />
      )}
      {kind === "runs" && block?.kind === "runs" && (
        <RunSetsForm value={block.value} place={place} onSave={putBlock} onClose={onClose} />
      )}
      {kind === "formula" && (
        <FormulaForm
          formula={source}
          place={place}
          markdown={stage.text()}
          onSave={(formula) => put("formula", { formula })}
          onClose={onClose}
        />
      )}
      {kind === "source" && (
        <SourceDialog
          title={block?.kind === "runs" ? "Run sets as JSON" : "Figure as JSON"}
          source={source}
          onSave={(next) => put("figureBlock", { source: next })}
          onClose={onClose}
        />
      )}
    </Suspense>
  );
}

interface SourceDialogProps {
  title: string;
  source: string;
  onSave(source: string): void;
  onClose(): void;
}

function SourceDialog({ title, source, onSave, onClose }: SourceDialogProps) {
  const [text, setText] = useState(source);
  const block = splitBlocks(text)[0];
  return (
    <Dialog title={title} open onClose={onClose} size="wide">
      <div className="dialog-body">
        <textarea
          className="text-input source-input"
          aria-label={title}
          spellCheck={false}
          rows={Math.min(26, text.split("\n").length + 2)}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        {block?.kind === "wrong" && <p className="bad">{block.error}</p>}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            className="button primary"
            onClick={() => {
              onSave(text.trimEnd());
              onClose();
            }}
          >
            Apply
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
