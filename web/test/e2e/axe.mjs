// Accessibility, as axe sees it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Problems axe finds. Its source is evaluated by the debugger, which the page's policy does not bind. */
export async function axe(page) {
  await page.evaluate(AXE);
  // Not into frames: what a run logged is not ours, and axe would write to them, which the browser logs as an error.
  const found = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ["violations"], iframes: false }),
  );
  return found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`,
  );
}
