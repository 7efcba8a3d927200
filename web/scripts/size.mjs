// Fails when the page grows: 300 KB of JavaScript before the first paint, 60 KB per lazy chunk (gzip).

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

const INITIAL_LIMIT = 300 * 1024;
const LAZY_LIMIT = 60 * 1024;
const folder = join(import.meta.dirname, "../../src/treering/server/static");
const html = readFileSync(join(folder, "index.html"), "utf8");
const assets = join(folder, "assets");

/** A script of the build; large ones are there compressed alone. */
function read(name) {
  const path = join(assets, name);
  return existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
}

/** Files that the page loads at once: those named in index.html and what they import statically. */
function initialFiles() {
  const found = new Set();
  const visit = (name) => {
    if (found.has(name)) return;
    found.add(name);
    const source = read(name).toString("utf8");
    for (const match of source.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)) visit(match[1]);
  };
  for (const match of html.matchAll(/assets\/([\w.-]+\.js)/g)) visit(match[1]);
  return found;
}

const initial = initialFiles();
let total = 0;
let failed = false;
const scripts = new Set(readdirSync(assets).map((file) => file.replace(/\.gz$/, "")));
for (const name of [...scripts].filter((file) => file.endsWith(".js")).sort()) {
  const bytes = gzipSync(read(name), { level: 9 }).length;
  const lazy = !initial.has(name);
  if (!lazy) total += bytes;
  const over = lazy && bytes > LAZY_LIMIT && !name.startsWith("vendor");
  failed ||= over;
  console.log(
    `${(bytes / 1024).toFixed(1).padStart(7)} KB  ${lazy ? "lazy   " : "initial"}  ${name}${over ? "  OVER" : ""}`,
  );
}
failed ||= total > INITIAL_LIMIT;
console.log(
  `${(total / 1024).toFixed(1).padStart(7)} KB  initial JavaScript, limit ${INITIAL_LIMIT / 1024} KB`,
);
process.exit(failed ? 1 : 0);
