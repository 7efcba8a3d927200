import { describe, expect, it } from "vitest";
import type { DocNode, Mark } from "@/features/reports/editor/document";
import { readMarkdown } from "@/features/reports/editor/fromMarkdown";
import { Sources, type TopNode } from "@/features/reports/editor/source";
import { writeNode } from "@/features/reports/editor/toMarkdown";

const nodesOf = (markdown: string) => readMarkdown(markdown).map(({ node }) => node);

/** Nodes as an editor holds them: objects that stay the same until they are changed. */
function held(markdown: string): { sources: Sources; nodes: TopNode[] } {
  const chunks = readMarkdown(markdown);
  const sources = new Sources();
  const nodes = chunks.map(({ node }) => ({ toJSON: () => node }));
  sources.note(nodes, chunks);
  return { sources, nodes };
}

const REPORT = `# Results  

Soft
break, **bold**, *it*, ~~no~~, \`code\`, [a link](http://x.example "t") and {{ mean(val/acc, group="A") ± ci }}.
* one
* two
   1) nested

- [x] done
- [ ] not

| a | b |
|---|---|
| 1 | {{ n(loss) }} |

> quoted
continued

$$
x^2
$$

Price $x$ and \\$5.

\`\`\`treering
{"runs": {"A": {"filter": "x"}}}
\`\`\`
\`\`\`treering
{"panel": {"type": "line"}}
\`\`\`

~~~py
print("{{ no }}")
~~~

<b>html</b> &amp; entity

Setext
===

    indented

![alt](picture:${"0".repeat(64)})
Last line without an end`;

describe("a report that is opened and not changed", () => {
  it.each([REPORT, `${REPORT}\n`, `\n\n${REPORT}\n\n\n`, "", "\n", "a", REPORT.replaceAll("\n", "\r\n")])(
    "is the same, byte for byte (%#)",
    (markdown) => {
      const { sources, nodes } = held(markdown);

      expect(sources.write(nodes)).toBe(markdown);
    },
  );

  it("is the same for random texts of everything that Markdown has", () => {
    const random = generator(7);
    const pieces = REPORT.split("\n\n");
    for (let round = 0; round < 400; round++) {
      const lines = Array.from({ length: 1 + random(8) }, () => {
        const piece = pieces[random(pieces.length)] ?? "";
        const from = random(3) === 0 ? random(piece.length) : 0;
        return piece.slice(from) + "\n".repeat(random(4));
      });
      const markdown = lines.join(random(2) ? "\n" : "");
      const { sources, nodes } = held(markdown);

      expect(sources.write(nodes)).toBe(markdown);
    }
  });
});

describe("a block that is changed", () => {
  it("is written anew and leaves all others as they were", () => {
    const { sources, nodes } = held(REPORT);
    const changed = { toJSON: () => ({ type: "paragraph", content: [{ type: "text", text: "New." }] }) };
    const place = 1;

    const text = sources.write([...nodes.slice(0, place), changed, ...nodes.slice(place + 1)]);

    expect(text.startsWith("# Results  \n\nNew.\n\n")).toBe(true);
    expect(text.endsWith(REPORT.slice(REPORT.indexOf("* one")))).toBe(true);
  });

  it("can be taken out, and stands apart where it is put in", () => {
    const { sources, nodes } = held("one\n\ntwo\nlines\n\nthree");
    const added = {
      toJSON: () => ({ type: "heading", attrs: { level: 2 }, content: [{ type: "text", text: "H" }] }),
    };

    expect(sources.write([nodes[0], nodes[2]] as TopNode[])).toBe("one\n\nthree");
    expect(sources.write([nodes[0], nodes[1], nodes[2], added] as TopNode[])).toBe(
      "one\n\ntwo\nlines\n\nthree\n\n## H\n",
    );
  });
});

describe("what the editor holds", () => {
  it("is the same after it was written and read again, whatever it is", () => {
    const random = generator(11);
    for (let round = 0; round < 2_000; round++) {
      const node = randomBlock(random);
      const markdown = writeNode(node);

      expect(nodesOf(markdown), markdown).toEqual([node]);
    }
  });

  it("takes apart what people write, and leaves the rest as Markdown", () => {
    const types = nodesOf(REPORT).map(({ type }) => type);

    expect(types).toEqual([
      "heading",
      "paragraph",
      "bulletList",
      "bulletList",
      "rawBlock",
      "blockquote",
      "mathBlock",
      "paragraph",
      "figureBlock",
      "figureBlock",
      "codeBlock",
      "rawBlock",
      "heading",
      "rawBlock",
      "paragraph",
    ]);
  });
});

/** Whole numbers below n, the same each time. */
function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const WORDS = [
  "plain",
  "a_b_c",
  "_under",
  "5 * 3",
  "**",
  "[x](y)",
  "`tick",
  "# no",
  "- no",
  "1. no",
  "> no",
  "a<b",
  "<b>",
  "~x~",
  "$5",
  "{{ no }}",
  "a\\b",
  "!",
  "é ü",
  "a | b",
  "&amp;",
  "x == y",
];

function randomBlock(random: (n: number) => number): DocNode {
  switch (random(6)) {
    case 0:
      return { type: "heading", attrs: { level: 1 + random(4) }, content: randomInline(random) };
    case 1:
      return { type: "blockquote", content: [{ type: "paragraph", content: randomInline(random) }] };
    case 2:
      return randomList(random);
    case 3:
      return {
        type: "codeBlock",
        attrs: { language: "py" },
        content: [{ type: "text", text: "a `b`\n```\n  c" }],
      };
    default:
      return { type: "paragraph", content: randomInline(random) };
  }
}

function randomList(random: (n: number) => number): DocNode {
  const ordered = random(2) === 0;
  const task = !ordered && random(2) === 0;
  const content = Array.from({ length: 1 + random(3) }, () => ({
    type: "listItem",
    attrs: { checked: task ? random(2) === 0 : null },
    content: [{ type: "paragraph", content: randomInline(random) }],
  }));
  return {
    type: ordered ? "orderedList" : "bulletList",
    attrs: { ...(ordered ? { start: 1 + random(9) } : {}), loose: content.length > 1 && random(2) === 0 },
    content,
  };
}

function randomInline(random: (n: number) => number): DocNode[] {
  const nodes: DocNode[] = [];
  const add = (node: DocNode) => {
    const last = nodes.at(-1);
    const same = JSON.stringify(last?.marks ?? []) === JSON.stringify(node.marks ?? []);
    if (node.type === "text" && last?.type === "text" && same) last.text = `${last.text}${node.text}`;
    else nodes.push({ ...node });
  };
  const count = 1 + random(4);
  for (let i = 0; i < count; i++) {
    const marks = randomMarks(random);
    if (i > 0) add({ type: "text", text: " " });
    if (random(8) === 0) add({ type: "formula", attrs: { formula: 'mean(val/acc, group="A") ± ci' } });
    const words = Array.from({ length: 1 + random(3) }, () => WORDS[random(WORDS.length)] ?? "").join(" ");
    // Within a link marked takes an escaped "](" for its end.
    const text = marks.some(({ type }) => type === "link") ? words.replaceAll("](", "] (") : words;
    add({ type: "text", text, ...(marks.length > 0 ? { marks } : {}) });
  }
  return nodes;
}

function randomMarks(random: (n: number) => number): Mark[] {
  switch (random(7)) {
    case 0:
      return [{ type: "bold" }];
    case 1:
      return [{ type: "italic" }];
    case 2:
      return [{ type: "link", attrs: { href: "http://x.example/a b", title: null } }];
    case 3:
      return [{ type: "code" }];
    case 4:
      return [{ type: "bold" }, { type: "italic" }];
    default:
      return [];
  }
}
