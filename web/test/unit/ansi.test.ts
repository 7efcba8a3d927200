import { describe, expect, it } from "vitest";
import { ansiSpans, paletteColor, plainText } from "@/features/run/logs/ansi";

const ESC = "\u001b";
const link = (address: string, text: string) => `${ESC}]8;;${address}${ESC}\\${text}${ESC}]8;;${ESC}\\`;

describe("a console line", () => {
  it("without codes is one plain piece", () => {
    expect(ansiSpans("epoch 1 <b>loss</b>")).toEqual([
      { text: "epoch 1 <b>loss</b>", classes: "", color: null, background: null, link: null },
    ]);
  });

  it("has colours and bold as classes", () => {
    const [red, rest] = ansiSpans(`${ESC}[1;31mfailed${ESC}[0m again`);

    expect(red).toMatchObject({ text: "failed", classes: "ansi-red ansi-bold" });
    expect(rest).toMatchObject({ text: " again", classes: "" });
  });

  it("has colours beyond the sixteen as values", () => {
    expect(ansiSpans(`${ESC}[38;5;208morange`)[0]).toMatchObject({ color: "rgb(255, 135, 0)" });
    expect(ansiSpans(`${ESC}[38;2;1;2;3mtrue`)[0]).toMatchObject({ color: "rgb(1, 2, 3)" });
    expect(paletteColor(232)).toBe("rgb(8, 8, 8)");
  });

  it("follows links to web pages only", () => {
    const spans = ansiSpans(
      `see ${link("https://example.org/a", "docs")} and ${link("javascript:alert(1)", "trap")}!`,
    );

    expect(spans.map(({ text, link: to }) => [text, to])).toEqual([
      ["see ", null],
      ["docs", "https://example.org/a"],
      [" and ", null],
      ["trap", null],
      ["!", null],
    ]);
  });

  it.each([
    ["a title", `${ESC}]0;owned\u0007text`],
    ["moving the cursor", `${ESC}[2J${ESC}[10;10Htext`],
    ["a device control string", `${ESC}P1;2q~~${ESC}\\text`],
    ["bells and backspaces", "te\u0007x\u0008t"],
    ["eight-bit codes", "\u009b31mtext"],
    ["a lonely escape", `text${ESC}`],
  ])("loses %s", (_, line) => {
    expect(plainText(line)).toBe("text");
  });

  it("keeps its colour through a link", () => {
    const spans = ansiSpans(`${ESC}[32mgreen ${link("https://example.org", "link")} green`);

    expect(spans.every(({ classes }) => classes === "ansi-green")).toBe(true);
  });
});
