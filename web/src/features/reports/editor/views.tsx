import { type NodeViewProps, NodeViewWrapper, ReactNodeViewRenderer } from "@tiptap/react";
import { ChevronDown, ChevronUp, Code2, Pencil, Trash2 } from "lucide-react";
import {
  type ComponentType,
  createContext,
  lazy,
  memo,
  type ReactNode,
  Suspense,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Panel } from "@/state/layout";
import { IconButton } from "@/ui/IconButton";
import { splitBlocks, writeBlock } from "../blocks";
import { readFigure, writeFigure } from "../figure";
import { BlockFigure, WrongBlock } from "../ReportBody";
import { ReportText } from "../ReportText";
import { RunSets } from "../RunSets";
import { Value } from "../Value";
import type { Views } from "./schema";
import type { Stage } from "./stage";

const Markdown = lazy(() => import("@/ui/Markdown"));

const NO_VALUES = {};

export const StageContext = createContext<Stage | null>(null);

function useStage(): Stage {
  const stage = useContext(StageContext);
  if (!stage) throw new Error("a report's editor has no stage");
  return stage;
}

/**
 * A view that is drawn anew when its node or its stage is another. A letter that is typed moves all nodes behind it, and
 * each is told so; asking one for its place gives the new one all the same.
 */
function still(View: ComponentType<NodeViewProps>): (props: NodeViewProps) => ReactNode {
  const Kept = memo(View, (a, b) => a.node === b.node && a.selected === b.selected);
  return (props) => <Kept {...props} />;
}

// ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface NumberedProps extends NodeViewProps {
  /** Which figure it is, from 1. */
  number: number;
}

function FigureView(props: NodeViewProps) {
  return <NumberedFigure {...props} number={useStage().numberOf(props.getPos() ?? 0)} />;
}

const NumberedFigure = memo(
  BlockView,
  (a, b) => a.node === b.node && a.selected === b.selected && a.number === b.number,
);

function BlockView({ node, getPos, editor, updateAttributes, deleteNode, selected, number }: NumberedProps) {
  const stage = useStage();
  const source = String(node.attrs.source ?? "");
  const [block] = useMemo(() => splitBlocks(source), [source]);
  const place = () => getPos() ?? 0;
  const move = (by: -1 | 1) => moveBlock(editor, place(), node.nodeSize, by);
  const set = (value: unknown) => updateAttributes({ source: writeBlock(value).trimEnd() });
  const what = block?.kind === "runs" ? "run sets" : "figure";
  return (
    <NodeViewWrapper className={`edited-block ${selected ? "selected" : ""}`} data-drag-handle="">
      <span className="block-tools" contentEditable={false}>
        <IconButton label={`Move ${what} up`} onClick={() => move(-1)}>
          <ChevronUp size={14} />
        </IconButton>
        <IconButton label={`Move ${what} down`} onClick={() => move(1)}>
          <ChevronDown size={14} />
        </IconButton>
        {(block?.kind === "figure" || block?.kind === "runs") && (
          <IconButton
            label={`Edit ${what}`}
            onClick={() =>
              stage.ask({ kind: block.kind === "runs" ? "runs" : "figure", position: place(), source })
            }
          >
            <Pencil size={13} />
          </IconButton>
        )}
        <IconButton
          label={`Edit ${what} as JSON`}
          onClick={() => stage.ask({ kind: "source", position: place(), source })}
        >
          <Code2 size={14} />
        </IconButton>
        <IconButton label={`Remove ${what}`} onClick={deleteNode}>
          <Trash2 size={13} />
        </IconButton>
      </span>
      <div contentEditable={false}>
        {block?.kind === "figure" && (
          <BlockFigure
            block={block}
            number={number}
            shown={stage.shown}
            sets={stage.sets}
            place={stage.place}
            onPanel={(at: number, panel: Panel) => {
              const spec = readFigure(block.value);
              const panels = spec.panels.map((one, n) => (n === at ? panel : one));
              set(writeFigure({ ...spec, panels }, block.value));
            }}
          />
        )}
        {block?.kind === "runs" && (
          <RunSets value={block.value} evaluation={stage.shown.evaluation} place={stage.place} />
        )}
        {block?.kind === "wrong" && <WrongBlock block={block} />}
      </div>
    </NodeViewWrapper>
  );
}

/** Exchanges a block with the one before or behind it. */
function moveBlock(editor: NodeViewProps["editor"], position: number, size: number, by: -1 | 1): void {
  const { state, view } = editor;
  const here = state.doc.resolve(position);
  const node = here.nodeAfter;
  const other = by < 0 ? here.nodeBefore : state.doc.resolve(position + size).nodeAfter;
  if (!node || !other) return;
  const target = by < 0 ? position - other.nodeSize : position + other.nodeSize;
  const tr = state.tr.delete(position, position + size);
  view.dispatch(tr.insert(target, node).scrollIntoView());
}

/** Markdown that is shown as it will look, and written as it is: tables, HTML, what has no form of its own here. */
function RawView({ node, updateAttributes, deleteNode, selected }: NodeViewProps) {
  const { place, shown } = useStage();
  const source = String(node.attrs.source ?? "");
  const [editing, setEditing] = useState(source === "");
  return (
    <NodeViewWrapper className={`edited-block raw ${selected ? "selected" : ""}`}>
      <span className="block-tools" contentEditable={false}>
        <IconButton
          label={editing ? "Show as it will look" : "Edit as Markdown"}
          onClick={() => setEditing(!editing)}
        >
          <Code2 size={14} />
        </IconButton>
        <IconButton label="Remove block" onClick={deleteNode}>
          <Trash2 size={13} />
        </IconButton>
      </span>
      <div contentEditable={false}>
        {editing ? (
          <SourceField
            label="Markdown of this block"
            value={source}
            onChange={(next) => updateAttributes({ source: next })}
            onDone={() => setEditing(false)}
          />
        ) : (
          // biome-ignore lint/a11y/noStaticElementInteractions: the button above does the same by keyboard
          <div onDoubleClick={() => setEditing(true)}>
            <ReportText
              text={source}
              place={place}
              values={shown.evaluation?.formulas ?? NO_VALUES}
              waiting={shown.evaluation === null}
            />
          </div>
        )}
      </div>
    </NodeViewWrapper>
  );
}

interface SourceFieldProps {
  label: string;
  value: string;
  onChange(value: string): void;
  onDone(): void;
}

function SourceField({ label, value, onChange, onDone }: SourceFieldProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <textarea
      ref={field}
      className="text-input source-input"
      aria-label={label}
      rows={Math.max(3, value.split("\n").length + 1)}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      // Keys of the page's editor mean nothing in here.
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") onDone();
      }}
    />
  );
}

function MathBlockView({ node, updateAttributes, selected }: NodeViewProps) {
  const tex = String(node.attrs.tex ?? "");
  const [editing, setEditing] = useState(tex === "");
  return (
    <NodeViewWrapper className={`edited-block raw ${selected ? "selected" : ""}`}>
      <div contentEditable={false}>
        {editing ? (
          <SourceField
            label="Formula in TeX"
            value={tex}
            onChange={(next) => updateAttributes({ tex: next })}
            onDone={() => setEditing(false)}
          />
        ) : (
          <button
            type="button"
            className="math-button"
            title="Edit the formula"
            onClick={() => setEditing(true)}
          >
            <Suspense fallback={tex}>
              <Markdown text={`$$\n${tex}\n$$`} />
            </Suspense>
          </button>
        )}
      </div>
    </NodeViewWrapper>
  );
}

// ── within a line ────────────────────────────────────────────────────────────────────────────────────────────────

function FormulaView({ node, getPos }: NodeViewProps) {
  const { shown, ask } = useStage();
  const formula = String(node.attrs.formula ?? "");
  const value = shown.evaluation?.formulas[formula] ?? null;
  const edit = () => ask({ kind: "formula", position: getPos() ?? null, source: formula });
  return (
    <NodeViewWrapper as="span" className="edited-value">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the card that a click opens has a button for it */}
      <span contentEditable={false} onDoubleClick={edit}>
        <Value formula={formula} value={value} waiting={shown.evaluation === null} onEdit={edit} />
      </span>
    </NodeViewWrapper>
  );
}

function MathView({ node, updateAttributes, deleteNode }: NodeViewProps) {
  const tex = String(node.attrs.tex ?? "");
  const sign = node.attrs.display === true ? "$$" : "$";
  const [editing, setEditing] = useState(tex === "");
  return (
    <NodeViewWrapper as="span" className="edited-value">
      {editing ? (
        <input
          className="text-input math-input"
          aria-label="Formula in TeX"
          // biome-ignore lint/a11y/noAutofocus: the field replaces what was clicked
          autoFocus
          defaultValue={tex}
          onBlur={(event) => {
            setEditing(false);
            if (event.target.value.trim()) updateAttributes({ tex: event.target.value.trim() });
            else deleteNode();
          }}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
          }}
        />
      ) : (
        <button
          type="button"
          className="math-button"
          title="Edit the formula"
          onClick={() => setEditing(true)}
        >
          <Suspense fallback={tex}>
            <Markdown text={`${sign}${tex}${sign}`} />
          </Suspense>
        </button>
      )}
    </NodeViewWrapper>
  );
}

function PictureView({ node, updateAttributes, selected }: NodeViewProps) {
  const { place } = useStage();
  const { src, alt } = node.attrs as { src: string; alt: string };
  return (
    <NodeViewWrapper as="span" className={`edited-picture ${selected ? "selected" : ""}`}>
      <Suspense fallback={alt}>
        <Markdown text={`![${alt.replaceAll(/[[\]\\]/g, "\\$&")}](<${src}>)`} place={place} />
      </Suspense>
      {selected && (
        <input
          className="text-input"
          aria-label="What the picture shows"
          placeholder="What the picture shows"
          value={alt}
          onChange={(event) => updateAttributes({ alt: event.target.value })}
          onKeyDown={(event) => event.stopPropagation()}
        />
      )}
    </NodeViewWrapper>
  );
}

export const VIEWS: Views = {
  figure: ReactNodeViewRenderer(FigureView),
  raw: ReactNodeViewRenderer(still(RawView)),
  mathBlock: ReactNodeViewRenderer(still(MathBlockView)),
  formula: ReactNodeViewRenderer(still(FormulaView), { as: "span" }),
  math: ReactNodeViewRenderer(still(MathView), { as: "span" }),
  picture: ReactNodeViewRenderer(still(PictureView), { as: "span" }),
};
