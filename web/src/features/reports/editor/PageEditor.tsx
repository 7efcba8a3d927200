import { type Editor, EditorContent, useEditor } from "@tiptap/react";
import { useEffect, useMemo, useRef, useState } from "react";
import { addPicture, type Place } from "@/api/pictures";
import { pictureName, picturesIn } from "@/ui/usePicturePaste";
import { type Fields, namedSets, splitBlocks } from "../blocks";
import type { Shown } from "../useShown";
import { AskedForm } from "./AskedForm";
import type { DocNode } from "./document";
import { readMarkdown } from "./fromMarkdown";
import { putIn, typeBehind } from "./putIn";
import { extensionsOf } from "./schema";
import { Sources } from "./source";
import type { Asked, Stage } from "./stage";
import { Toolbar } from "./Toolbar";
import { StageContext, VIEWS } from "./views";

interface PageEditorProps {
  markdown: string;
  place: Place;
  shown: Shown;
  onChange(markdown: string): void;
}

const EXTENSIONS = extensionsOf(VIEWS);

/** The report as it will look, to be written in. */
export default function PageEditor({ markdown, place, shown, onChange }: PageEditorProps) {
  const sources = useRef(new Sources());
  /** The text that the page holds: what comes back from it is not read into it again. */
  const held = useRef<{ editor: Editor; text: string } | null>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  const [trouble, setTrouble] = useState<string | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const take = (editor: Editor, files: readonly File[], at: number | null) => {
    void keepPictures(place, files).then(
      (nodes) => {
        if (at === null) putIn(editor, nodes);
        else editor.chain().insertContentAt(at, nodes).run();
        setTrouble(null);
      },
      (cause) => setTrouble(cause instanceof Error ? cause.message : String(cause)),
    );
  };
  const editor: Editor | null = useEditor({
    extensions: EXTENSIONS,
    // JSON, and never markup: parsing that is what the page's policy stops.
    content: { type: "doc", content: [{ type: "paragraph" }] },
    // The page's policy allows no style elements of others; what they say stands in reports.css.
    injectCSS: false,
    editorProps: {
      attributes: { class: "markdown", "aria-label": "Text of the report", role: "textbox" },
      handleTextInput: (view, _from, _to, text) => typeBehind(view, text),
      handlePaste: (view, event) => {
        const files = picturesIn(event.clipboardData);
        if (files.length > 0 && editor) {
          take(editor, files, null);
          return true;
        }
        // Markdown is what people copy here: out of notes, papers, other reports.
        const text = event.clipboardData?.getData("text/plain") ?? "";
        if (!text || !editor || view.state.selection.$from.parent.type.spec.code) return false;
        paste(editor, text);
        return true;
      },
      handleDrop: (view, event) => {
        const files = picturesIn(event.dataTransfer);
        if (files.length === 0 || !editor) return false;
        const at = view.posAtCoords({ left: event.clientX, top: event.clientY })?.pos;
        take(editor, files, at ?? null);
        return true;
      },
    },
    onUpdate: ({ editor: current }) => {
      const text = sources.current.write(topNodes(current));
      held.current = { editor: current, text };
      changed.current(text);
    },
  });

  // The text comes from elsewhere: at first, from the Markdown beside the page, or from an earlier version.
  useEffect(() => {
    if (!editor || editor.isDestroyed) return;
    if (held.current?.editor === editor && held.current.text === markdown) return;
    held.current = { editor, text: markdown };
    load(editor, markdown, sources.current);
  }, [editor, markdown]);

  const text = useRef(markdown);
  text.current = markdown;
  const sets = useSets(markdown);
  const stage = useMemo(
    (): Stage => ({
      shown,
      place,
      text: () => text.current,
      sets,
      numberOf: (position) => (editor ? (figureNumbers(editor.state.doc).get(position) ?? 1) : 1),
      ask: setAsked,
    }),
    [shown, place, sets, editor],
  );
  if (!editor || editor.isDestroyed) return null;
  return (
    <StageContext value={stage}>
      <Toolbar
        editor={editor}
        onAsk={(kind, source) => setAsked({ kind, position: null, source })}
        onPictures={(files) => take(editor, files, null)}
      />
      {trouble && (
        <p className="bad" role="alert">
          {trouble}
        </p>
      )}
      <EditorContent editor={editor} className="page-editor report-body" />
      {asked && <AskedForm asked={asked} editor={editor} stage={stage} onClose={() => setAsked(null)} />}
    </StageContext>
  );
}

/** The run sets of a text: the same object while they say the same. */
function useSets(markdown: string): ReadonlyMap<string, Fields> {
  const found = namedSets(markdown);
  const name = JSON.stringify([...found]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the name says all that there is in them
  return useMemo(() => found, [name]);
}

/** Reads a text into the page, and notes of which lines each of its blocks is. */
function load(editor: Editor, markdown: string, sources: Sources): void {
  const chunks = readMarkdown(markdown);
  const content = chunks.map(({ node }) => node);
  editor.commands.setContent(
    { type: "doc", content: content.length > 0 ? content : [{ type: "paragraph" }] },
    { emitUpdate: false },
  );
  sources.note(topNodes(editor), chunks);
}

function topNodes(editor: Editor) {
  const { doc } = editor.state;
  return Array.from({ length: doc.childCount }, (_, place) => doc.child(place));
}

/** Puts Markdown in at the caret: as words where it is one paragraph, else as blocks. */
function paste(editor: Editor, text: string): void {
  const nodes = readMarkdown(text.replaceAll("\r\n", "\n")).map(({ node }) => node);
  const [only] = nodes;
  const content = nodes.length === 1 && only?.type === "paragraph" ? (only.content ?? []) : nodes;
  editor.chain().focus().insertContent(content).run();
}

async function keepPictures(place: Place, files: readonly File[]): Promise<DocNode[]> {
  return Promise.all(
    files.map(async (file) => ({
      type: "picture",
      attrs: {
        src: `picture:${(await addPicture(place, file)).sha256}`,
        alt: pictureName(file),
        title: null,
      },
    })),
  );
}

type Doc = Editor["state"]["doc"];

const numbers = new WeakMap<Doc, ReadonlyMap<number, number>>();
const figures = new WeakMap<Doc, boolean>();

/** Which figure, from 1, stands at which place of a document. */
function figureNumbers(doc: Doc): ReadonlyMap<number, number> {
  let found = numbers.get(doc);
  if (!found) {
    const made = new Map<number, number>();
    doc.forEach((node, offset) => {
      if (node.type.name === "figureBlock" && isFigure(node)) made.set(offset, made.size + 1);
    });
    numbers.set(doc, made);
    found = made;
  }
  return found;
}

/** Whether a block is a figure, and not run sets. Nodes that nobody changed stay the same objects. */
function isFigure(node: Doc): boolean {
  let found = figures.get(node);
  if (found === undefined) {
    found = splitBlocks(String(node.attrs.source ?? ""))[0]?.kind === "figure";
    figures.set(node, found);
  }
  return found;
}
