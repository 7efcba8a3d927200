import { type Editor, useEditorState } from "@tiptap/react";
import {
  BarChart3,
  Bold,
  Braces,
  Code,
  Heading1,
  Heading2,
  Heading3,
  ImagePlus,
  Italic,
  Link2,
  List,
  ListChecks,
  ListOrdered,
  Minus,
  Pilcrow,
  Redo2,
  Sigma,
  SquareCode,
  Strikethrough,
  Table2,
  TextQuote,
  Undo2,
  Waypoints,
} from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { Dialog } from "@/ui/Dialog";
import { IconButton } from "@/ui/IconButton";
import { picturesIn } from "@/ui/usePicturePaste";
import { writeBlock } from "../blocks";
import type { DocNode } from "./document";
import { putIn } from "./putIn";
import type { Asked } from "./stage";

interface ToolbarProps {
  editor: Editor;
  onAsk(kind: Asked["kind"], source: string): void;
  onPictures(files: readonly File[]): void;
}

const TABLE = "| run | value |\n|---|---|\n| a | {{ n(loss) }} |\n| b | 2 |";

/** What can be done with the words under the caret, and what can be put in. */
export function Toolbar({ editor, onAsk, onPictures }: ToolbarProps) {
  const state = useEditorState({
    editor,
    selector: ({ editor: now }) => ({
      bold: now.isActive("bold"),
      italic: now.isActive("italic"),
      strike: now.isActive("strike"),
      code: now.isActive("code"),
      link: now.isActive("link"),
      heading: [1, 2, 3].find((level) => now.isActive("heading", { level })) ?? 0,
      bullets: now.isActive("bulletList"),
      numbers: now.isActive("orderedList"),
      quote: now.isActive("blockquote"),
      block: now.isActive("codeBlock"),
      undo: now.can().undo(),
      redo: now.can().redo(),
    }),
  });
  const [linking, setLinking] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const chain = () => editor.chain().focus();
  const insert = (node: DocNode) => putIn(editor, [node]);
  const heading = (level: 1 | 2 | 3) => chain().toggleHeading({ level }).run();
  const tool = (label: string, icon: ReactNode, run: () => void, pressed?: boolean, hint?: string) => (
    <IconButton
      label={label}
      {...(pressed === undefined ? {} : { pressed })}
      {...(hint ? { hint } : {})}
      // The caret stays in the text.
      onMouseDown={(event) => event.preventDefault()}
      onClick={run}
    >
      {icon}
    </IconButton>
  );
  return (
    <div className="page-toolbar" role="toolbar" aria-label="Write">
      <span className="tools">
        {tool("Paragraph", <Pilcrow size={15} />, () => chain().setParagraph().run())}
        {tool("Title", <Heading1 size={16} />, () => heading(1), state.heading === 1)}
        {tool("Heading", <Heading2 size={16} />, () => heading(2), state.heading === 2)}
        {tool("Small heading", <Heading3 size={16} />, () => heading(3), state.heading === 3)}
      </span>
      <span className="tools">
        {tool("Bold", <Bold size={15} />, () => chain().toggleBold().run(), state.bold, "Ctrl B")}
        {tool("Italic", <Italic size={15} />, () => chain().toggleItalic().run(), state.italic, "Ctrl I")}
        {tool(
          "Struck through",
          <Strikethrough size={15} />,
          () => chain().toggleStrike().run(),
          state.strike,
        )}
        {tool("Code", <Code size={15} />, () => chain().toggleCode().run(), state.code, "Ctrl E")}
        {tool("Link", <Link2 size={15} />, () => setLinking(true), state.link)}
      </span>
      <span className="tools">
        {tool("List", <List size={16} />, () => chain().toggleBulletList().run(), state.bullets)}
        {tool(
          "Numbered list",
          <ListOrdered size={16} />,
          () => chain().toggleOrderedList().run(),
          state.numbers,
        )}
        {tool("Task", <ListChecks size={16} />, () => toggleTask(editor))}
        {tool("Quotation", <TextQuote size={15} />, () => chain().toggleBlockquote().run(), state.quote)}
        {tool("Code block", <SquareCode size={15} />, () => chain().toggleCodeBlock().run(), state.block)}
        {tool("Divider", <Minus size={15} />, () => chain().setHorizontalRule().run())}
      </span>
      <span className="tools main">
        <button
          type="button"
          className="button small"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onAsk("figure", writeBlock({ panel: { type: "line" } }))}
        >
          <BarChart3 size={14} /> Figure
        </button>
        <button
          type="button"
          className="button small"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onAsk("formula", "")}
        >
          <Braces size={14} /> Number
        </button>
        <button
          type="button"
          className="button small"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onAsk("runs", writeBlock({ runs: { A: {} } }))}
        >
          <Waypoints size={14} /> Run sets
        </button>
        {tool("Picture", <ImagePlus size={15} />, () => file.current?.click())}
        {tool("Table", <Table2 size={15} />, () => insert({ type: "rawBlock", attrs: { source: TABLE } }))}
        {tool("Formula in TeX", <Sigma size={15} />, () =>
          insert({ type: "math", attrs: { tex: "", display: false } }),
        )}
      </span>
      <span className="grow" />
      <span className="tools">
        {tool("Undo", <Undo2 size={15} />, () => chain().undo().run(), undefined, "Ctrl Z")}
        {tool("Redo", <Redo2 size={15} />, () => chain().redo().run(), undefined, "Ctrl Shift Z")}
      </span>
      <input
        ref={file}
        type="file"
        hidden
        multiple
        accept="image/png,image/jpeg,image/gif,image/webp"
        onChange={(event) => {
          const data = new DataTransfer();
          for (const one of event.target.files ?? []) data.items.add(one);
          onPictures(picturesIn(data));
          event.target.value = "";
        }}
      />
      {linking && <LinkDialog editor={editor} onClose={() => setLinking(false)} />}
    </div>
  );
}

/** Makes the item under the caret a task, done or not, or an item like others again. */
function toggleTask(editor: Editor): void {
  if (!editor.isActive("listItem")) editor.chain().focus().toggleBulletList().run();
  const { checked } = editor.getAttributes("listItem") as { checked?: boolean | null };
  const next = checked === null || checked === undefined ? false : checked ? null : true;
  editor.chain().focus().updateAttributes("listItem", { checked: next }).run();
}

function LinkDialog({ editor, onClose }: { editor: Editor; onClose(): void }) {
  const now = (editor.getAttributes("link") as { href?: string }).href ?? "";
  const [href, setHref] = useState(now);
  const apply = () => {
    const chain = editor.chain().focus().extendMarkRange("link");
    if (!href.trim()) chain.unsetLink().run();
    else if (editor.state.selection.empty && !now) {
      editor
        .chain()
        .focus()
        .insertContent({
          type: "text",
          text: href.trim(),
          marks: [{ type: "link", attrs: { href: href.trim() } }],
        })
        .run();
    } else chain.setLink({ href: href.trim() }).run();
    onClose();
  };
  return (
    <Dialog title="Link" open onClose={onClose}>
      <form
        className="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          event.stopPropagation();
          apply();
        }}
      >
        <label className="form-field">
          <span>Address</span>
          <input
            className="text-input"
            value={href}
            placeholder="https://… or r/<run key> for a run"
            onChange={(event) => setHref(event.target.value)}
          />
        </label>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary">
            {href.trim() ? "Apply" : "Remove link"}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
