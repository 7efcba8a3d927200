// The script of an exported page: everything in one piece, since it runs from a file and asks nobody for more.

import { createRoot } from "react-dom/client";
import { useTheme } from "@/state/theme";
import base from "@/styles/base.css?inline";
import controls from "@/styles/controls.css?inline";
import panels from "@/styles/panels.css?inline";
import tokens from "@/styles/tokens.css?inline";
import { ExportPage } from "./ExportPage";
import own from "./export.css?inline";
import { readPage } from "./payload";

const style = document.createElement("style");
style.textContent = [tokens, base, controls, panels, own].join("\n");
document.head.append(style);
document.documentElement.dataset.theme = useTheme.getState().name;

const root = document.getElementById("root");
if (root) {
  try {
    const { index, blocks } = readPage();
    createRoot(root).render(<ExportPage index={index} blocks={blocks} />);
  } catch (cause) {
    root.textContent = `This page cannot be shown: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
