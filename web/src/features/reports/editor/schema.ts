// What a report's page is made of while it is edited.

import { Extension, InputRule, mergeAttributes, Node, type NodeViewRenderer } from "@tiptap/core";
import { ListItem } from "@tiptap/extension-list";
import StarterKit from "@tiptap/starter-kit";

/** How the editor draws what it does not take apart. */
export interface Views {
  figure: NodeViewRenderer;
  raw: NodeViewRenderer;
  formula: NodeViewRenderer;
  math: NodeViewRenderer;
  mathBlock: NodeViewRenderer;
  picture: NodeViewRenderer;
}

export function extensionsOf(views: Views) {
  return [
    StarterKit.configure({
      // Markdown has no underlined text; empty paragraphs at the end would be written into it.
      underline: false,
      trailingNode: false,
      listItem: false,
      bulletList: { keepMarks: true },
      heading: { levels: [1, 2, 3, 4, 5, 6] },
      link: { openOnClick: false, autolink: false, linkOnPaste: true, defaultProtocol: "https" },
    }),
    TaskItem,
    LooseLists,
    atom("figureBlock", "block", { source: "" }, views.figure),
    atom("rawBlock", "block", { source: "" }, views.raw),
    atom("mathBlock", "block", { tex: "" }, views.mathBlock),
    atom("math", "inline", { tex: "", display: false }, views.math),
    atom("formula", "inline", { formula: "" }, views.formula).extend({
      addInputRules() {
        return [
          new InputRule({
            find: /\{\{\s*([^{}]+?)\s*\}\}$/,
            handler: ({ state, range, match }) => {
              state.tr.replaceWith(range.from, range.to, this.type.create({ formula: match[1] ?? "" }));
            },
          }),
        ];
      },
    }),
    atom("picture", "inline", { src: "", alt: "", title: null }, views.picture),
  ];
}

/** Items of task lists say whether they are done; all others say null. */
const TaskItem = ListItem.extend({
  addAttributes() {
    return {
      checked: {
        default: null,
        renderHTML: ({ checked }: { checked: boolean | null }) =>
          checked === null ? {} : { "data-checked": String(checked) },
      },
    };
  },
});

/** Lists whose items stand apart are written so again. */
const LooseLists = Extension.create({
  name: "looseLists",
  addGlobalAttributes() {
    return [
      {
        types: ["bulletList", "orderedList"],
        attributes: { loose: { default: false, rendered: false } },
      },
    ];
  },
});

function atom(
  name: string,
  kind: "block" | "inline",
  attributes: Record<string, unknown>,
  view: NodeViewRenderer,
) {
  return Node.create({
    name,
    group: kind,
    inline: kind === "inline",
    atom: true,
    selectable: true,
    draggable: kind === "block",
    addAttributes() {
      return Object.fromEntries(
        Object.entries(attributes).map(([attribute, value]) => [
          attribute,
          { default: value, rendered: false },
        ]),
      );
    },
    renderHTML({ HTMLAttributes }) {
      return [kind === "block" ? "div" : "span", mergeAttributes(HTMLAttributes, { "data-node": name })];
    },
    addNodeView() {
      return view;
    },
  });
}
