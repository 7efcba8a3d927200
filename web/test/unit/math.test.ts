// @vitest-environment happy-dom
import { Marked } from "marked";
import { describe, expect, it } from "vitest";
import { drawFormulas, FORMULA_MAX_CHARS, FORMULAS_MAX, type Formula, formulaExtensions } from "@/ui/math";

// It draws nothing in a page without a doctype, and this document does not say that it has one.
Object.defineProperty(document, "compatMode", { value: "CSS1Compat" });

function found(text: string): string[] {
  const formulas: Formula[] = [];
  new Marked({ gfm: true, extensions: formulaExtensions(formulas) }).parse(text, { async: false });
  return formulas.map(({ tex, display }) => (display ? `[${tex}]` : tex));
}

async function drawn(text: string): Promise<Element> {
  const formulas: Formula[] = [];
  const root = document.createElement("div");
  document.body.append(root);
  root.innerHTML = await new Marked({ gfm: true, extensions: formulaExtensions(formulas) }).parse(text);
  await drawFormulas(root, formulas);
  return root;
}

describe("formulas in Markdown", () => {
  it.each([
    ["loss $L = -\\sum_i y_i \\log p_i$ here", ["L = -\\sum_i y_i \\log p_i"]],
    ["$a$ and $b$, ($c$), the $d$th.", ["a", "b", "c", "d"]],
    ["$$\nx^2\n+ 1\n$$\nafter", ["[x^2\n+ 1]"]],
    ["in line $$x$$ too", ["[x]"]],
    ["| a |\n| - |\n| $x_1$ |", ["x_1"]],
    ["$2^n$ and $5$ and $3x+1$", ["2^n", "5", "3x+1"]],
    ["a $\\$5$ b", ["\\$5"]],
    ["$x_1$ *and* $y_1$ **_$z$_**", ["x_1", "y_1", "z"]],
  ])("finds them in %j", (text, formulas) => {
    expect(found(text)).toEqual(formulas);
  });

  it.each([
    "It costs $5 and $6.",
    "$5-$6",
    "from $5 to 6$ a piece",
    "US$5 or US$6",
    "$ x $",
    "\\$x\\$",
    "`$x$` and $HOME",
    "```\n$x$\n```",
    "$HOME/bin:$PATH",
    "$",
    "$$",
    "$$$$",
    "a $x\n\ny$ b",
  ])("leaves %j alone", (text) => {
    expect(found(text)).toEqual([]);
  });

  it("draws no links, pictures or scripts, whatever is asked for", async () => {
    const root = await drawn(
      "$\\href{javascript:alert(1)}{x}$ $\\htmlStyle{color:red}{y}$ $\\includegraphics{http://h/x.png}$ " +
        "$\\fcolorbox{red}{blue}{z}$ $\\pmb{p}$ $\\url{http://h}$ $\\text{<img src=x onerror=alert(1)>}$",
    );
    expect(root.innerHTML.split("<math").length).toBeGreaterThan(3);
    expect(root.querySelectorAll("a, img, script, math [style], [href], [src], [onerror]").length).toBe(0);
  });

  it("says what is wrong with a formula, and shows it as it was typed", async () => {
    const root = await drawn("$\\frac{1$ and $x$");
    expect(root.querySelector("code")?.textContent).toBe("$\\frac{1$");
    expect(root.querySelector("code")?.getAttribute("title")).toContain("KaTeX parse error");
    expect(root.innerHTML.split("<math").length).toBe(2);
  });

  it("is done with hostile formulas soon", async () => {
    const began = performance.now();
    await drawn(`$${"x".repeat(FORMULA_MAX_CHARS + 1)}$`).then((root) =>
      expect(root.innerHTML).not.toContain("<math"),
    );
    await drawn("$\\def\\a{\\a\\a}\\a$").then((root) => expect(root.innerHTML).not.toContain("<math"));
    await drawn(`$${"{".repeat(900)}${"}".repeat(900)}$`);
    await drawn(`$${"\\sqrt{".repeat(250)}x${"}".repeat(250)}$`);
    await drawn("$\\rule{99999em}{99999em}$");
    expect(found("$x$ ".repeat(FORMULAS_MAX + 50)).length).toBe(FORMULAS_MAX);
    found("$".repeat(20_000));
    found("$x ".repeat(10_000));
    found(`$$${"\\".repeat(50_000)}`);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
