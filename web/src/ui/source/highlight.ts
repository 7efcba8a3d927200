import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import cpp from "highlight.js/lib/languages/cpp";
import ini from "highlight.js/lib/languages/ini";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import typescript from "highlight.js/lib/languages/typescript";
import yaml from "highlight.js/lib/languages/yaml";

const LANGUAGES = { bash, cpp, ini, javascript, json, markdown, python, rust, typescript, yaml };
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

const EXTENSIONS: Readonly<Record<string, keyof typeof LANGUAGES>> = {
  py: "python",
  pyi: "python",
  ipynb: "json",
  json: "json",
  jsonl: "json",
  yaml: "yaml",
  yml: "yaml",
  toml: "ini",
  ini: "ini",
  cfg: "ini",
  md: "markdown",
  sh: "bash",
  bash: "bash",
  slurm: "bash",
  js: "javascript",
  mjs: "javascript",
  ts: "typescript",
  tsx: "typescript",
  c: "cpp",
  h: "cpp",
  cc: "cpp",
  cpp: "cpp",
  hpp: "cpp",
  cu: "cpp",
  cuh: "cpp",
  rs: "rust",
};

export interface Token {
  text: string;
  /** Classes of the highlighter's scopes; "" for plain text. */
  classes: string;
}

/** The language of a file by its name; null if it is not one that is highlighted. */
export function languageOf(path: string): string | null {
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase();
  return (extension && EXTENSIONS[extension]) || null;
}

interface TokenNode {
  scope?: string;
  children: (TokenNode | string)[];
}

/** Lines of coloured pieces. The highlighter's tree is read and not its HTML, which the page could not take. */
export function highlightLines(source: string, language: string | null): Token[][] {
  const lines: Token[][] = [[]];
  const add = (text: string, classes: string) => {
    text.split("\n").forEach((part, i) => {
      if (i > 0) lines.push([]);
      if (part) lines[lines.length - 1]?.push({ text: part, classes });
    });
  };
  if (language === null) {
    add(source, "");
    return lines;
  }
  const walk = (node: TokenNode, classes: string) => {
    const own = node.scope
      ? `${classes} hl-${node.scope.split(".")[0]?.replace(/[^a-z_-]/gi, "")}`.trim()
      : classes;
    for (const child of node.children) {
      if (typeof child === "string") add(child, own);
      else walk(child, own);
    }
  };
  const { _emitter: emitter } = hljs.highlight(source, { language, ignoreIllegals: true });
  walk((emitter as unknown as { rootNode: TokenNode }).rootNode, "");
  return lines;
}
