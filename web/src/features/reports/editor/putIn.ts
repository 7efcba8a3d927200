import { NodeSelection, TextSelection } from "@tiptap/pm/state";
import type { EditorView } from "@tiptap/pm/view";
import type { Editor } from "@tiptap/react";
import type { DocNode } from "./document";

/** Puts nodes in at the caret; behind a figure or a number that is selected, which they never replace. */
export function putIn(editor: Editor, nodes: readonly DocNode[]): void {
  const { selection, schema } = editor.state;
  const inWords = selection.$to.parent.inlineContent;
  const areWords = nodes.every(({ type }) => schema.nodes[type]?.isInline);
  const content = areWords && !inWords ? [{ type: "paragraph", content: [...nodes] }] : [...nodes];
  const chain = editor.chain().focus();
  if (selection instanceof NodeSelection) chain.insertContentAt(selection.to, content).run();
  else chain.insertContent(content).run();
}

/** Begins a paragraph behind a selected figure with what is typed, which would else take its place. */
export function typeBehind(view: EditorView, text: string): boolean {
  const { selection, schema, tr } = view.state;
  const { paragraph } = schema.nodes;
  if (!(selection instanceof NodeSelection) || selection.node.isInline || !paragraph) return false;
  const at = selection.to;
  tr.insert(at, paragraph.create(null, schema.text(text)));
  tr.setSelection(TextSelection.create(tr.doc, at + 1 + text.length));
  view.dispatch(tr.scrollIntoView());
  return true;
}
