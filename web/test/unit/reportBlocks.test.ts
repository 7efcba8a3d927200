import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Marked } from "marked";
import { describe, expect, it } from "vitest";
import { findFormulas, isFields, namedSets, splitBlocks, writeBlock } from "@/features/reports/blocks";
import { readFigure, writeFigure } from "@/features/reports/figure";
import { valueExtensions } from "@/features/reports/formulaText";

interface Example {
  markdown: string;
  blocks: [string, number][];
  formulas: string[];
}

/** What tests/reports/test_blocks.py reads too: server and page take a text apart in the same way. */
const EXAMPLES = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../tests/reports/blocks.json"), "utf8"),
) as Example[];

describe("the blocks of a report", () => {
  it.each(EXAMPLES)("are those that the server sees (%#)", ({ markdown, blocks, formulas }) => {
    const found = splitBlocks(markdown);

    expect(found.map(({ kind, line }) => [kind, line])).toEqual(blocks);
    expect(found.map(({ source }) => source).join("")).toBe(markdown);
    const texts = found.filter(({ kind }) => kind === "text").map(({ source }) => source);
    expect(texts.flatMap((source) => findFormulas(source).map(({ text }) => text))).toEqual(formulas);
  });

  it("are read again as they were written", () => {
    const value = { runs: { A: { filter: 'name = "`x`" and config.a = "```"' } } };
    const [block] = splitBlocks(writeBlock(value));

    expect(block).toMatchObject({ kind: "runs", value });
    expect([...namedSets(writeBlock(value)).keys()]).toEqual(["A"]);
  });
});

describe("formulas in Markdown", () => {
  const html = (text: string) =>
    new Marked({ gfm: true, extensions: [...valueExtensions] }).parse(text, { async: false });

  it("are places whose name is the formula, and nothing of them is markup", () => {
    expect(html('a {{ mean(x_y, group="A_b") }} b_c_')).toContain(
      '<code data-value="mean(x_y, group=&#34;A_b&#34;)">{{ mean(x_y, group=&#34;A_b&#34;) }}</code>',
    );
    expect(html("{{ <img src=x> }}")).not.toContain("<img");
  });

  it("may stand in cells of tables", () => {
    expect(html("| a |\n|---|\n| {{ n(x), .2f }} |\n")).toContain('<td><code data-value="n(x), .2f">');
  });
});

describe("a figure", () => {
  it("keeps what the form knows nothing of", () => {
    const value = { panel: { type: "line", settings: { keys: ["a"] } }, runs: "A", more: [1], height: "l" };

    expect(writeFigure(readFigure(value), value)).toEqual(value);
  });

  it.each([
    [{ panel: 3 }, 0],
    [{ panels: [{ type: "line" }, "x", { settings: [] }] }, 2],
    [{ panels: {} }, 0],
  ])("is read from whatever was typed (%#)", (value, panels) => {
    expect(isFields(value)).toBe(true);
    expect(readFigure(value as never).panels.length).toBe(panels);
  });
});
