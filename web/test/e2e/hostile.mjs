// A tour of every page of a folder whose every field tries to run a script: node hostile.mjs [--all]
//
// Trusted Types are enforced by the server's own policy. Nothing may call alert, set window.pwned, leave the page, break
// the policy, or ask another server for anything; and the attempts have to be readable as what they are.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createWorld } from "./world.mjs";

const ALL = process.argv.includes("--all");
const NOTES = process.argv.includes("--notes");
const SHORT = process.argv.includes("--short");
const LANES = 4;
const { world, close } = await createWorld(undefined, ["hostile.py"]);
const wrong = [];
let pages = 0;

async function open(path) {
  const page = await world.open("about:blank");
  const origin = world.url.origin;
  page.on("dialog", (dialog) => {
    wrong.push(`${path}: a dialog says ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", (popup) => wrong.push(`${path}: opened ${popup.url()}`));
  await page.route("**/*", (route) => {
    const url = route.request().url();
    if (url.startsWith(origin) || url.startsWith("blob:") || url.startsWith("data:")) return route.continue();
    wrong.push(`${path}: asked for ${url}`);
    return route.abort();
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      window.__violations = [
        ...(window.__violations ?? []),
        `${event.violatedDirective} ${event.blockedURI} ${event.sample}`,
      ];
    });
  });
  await page.goto(new URL(path, world.url).href);
  return page;
}

async function visit(path, { click = [], text } = {}) {
  const page = await open(path);
  if (text) {
    // Before anything is clicked: a click may lead elsewhere.
    await page
      .waitForFunction((wanted) => document.body.textContent.includes(wanted), text, { timeout: 40_000 })
      .catch(() => wrong.push(`${path}: does not show ${text}`));
  }
  await page.waitForTimeout(700); // a live page never comes to rest
  // Whatever is drawn only when it is looked at.
  for (let step = 0; step < 3; step++) {
    await page.evaluate(() => {
      for (const node of document.querySelectorAll("main, .content, [data-scroll], body"))
        node.scrollBy(0, innerHeight);
      scrollBy(0, innerHeight);
    });
    await page.waitForTimeout(150);
  }
  for (const selector of click) {
    const targets = page.locator(selector);
    for (let n = 0; n < Math.min(await targets.count(), 4); n++) {
      await targets
        .nth(n)
        .click({ timeout: 400 })
        .catch(() => {});
      await page.waitForTimeout(150);
    }
  }
  const found = await page.evaluate(() => ({
    pwned: window.pwned !== undefined,
    violations: window.__violations ?? [],
    handlers: [...document.querySelectorAll("*")].flatMap((node) =>
      [...node.attributes].filter((one) => /^on/i.test(one.name)).map((one) => `${node.tagName} ${one.name}`),
    ),
    links: [...document.querySelectorAll("a[href]")]
      .map((node) => node.href)
      .filter((href) => !/^(https?|blob|mailto):/i.test(href)),
    scripts: [...document.querySelectorAll("script")].filter((node) => !node.src).length,
    frames: [...document.querySelectorAll("iframe")].filter(
      (node) => !/allow-scripts/.test(node.sandbox.value) || /same-origin/.test(node.sandbox.value),
    ).length,
  }));
  if (!page.url().startsWith(world.url.origin)) wrong.push(`${path}: left for ${page.url()}`);
  if (found.pwned) wrong.push(`${path}: a script ran`);
  for (const violation of found.violations) wrong.push(`${path}: broke the policy: ${violation}`);
  for (const handler of found.handlers) wrong.push(`${path}: has the handler ${handler}`);
  for (const link of found.links) wrong.push(`${path}: has the link ${link}`);
  if (found.scripts) wrong.push(`${path}: has a script in the page`);
  if (found.frames) wrong.push(`${path}: has a frame that is no stranger`);
  pages++;
  await page.context().close();
}

/** Pages of texts that somebody else wrote as Markdown: notes and comments of a run, reports, what is said of them. */
function texts() {
  const [live, frozen] = readFileSync(join(world.folder, "reports.txt"), "utf8").split(" ");
  const here = "/acme/loaded/reports";
  return [
    ["/acme/loaded/runs/all/overview", { text: "deep" }],
    [`${here}/${live}`, { text: "deep", click: ["[aria-label^='Show comments']", ".value", ".thread-part"] }],
    [`${here}/${frozen}`, { text: "deep", click: [".changes-count"] }],
    [`${here}/${live}?edit=1`, { text: "deep", click: [".edited-block", ".value"] }],
    [here, { text: "alert(1)" }],
  ];
}

/** The pages of the tour, and what is done on each. */
function tour() {
  const stops = [];
  const visit = (path, done) => stops.push([path, done]);
  visit("/");
  visit("/acme/hostile", { click: [".run", "[data-panel] button"], text: "evil.example" });
  visit("/acme/hostile?panel=loss", { click: [".chart"] });
  visit("/acme/hostile?group=%5B%22config.text%22%5D");
  visit("/acme/loaded", { click: ["[data-panel] button", ".run"] });
  const tabs = ["overview", "charts", "media", "logs", "system", "config", "code", "files", "artifacts"];
  for (const tab of tabs) {
    const opened = {
      overview: ["details", "button[aria-expanded=false]"],
      files: [".file-row", "tr", "[role=row]"],
      code: [".tree button", "[role=treeitem]", "details"],
    }[tab];
    visit(`/acme/loaded/runs/all/${tab}`, {
      click: opened ?? [],
      text: tab === "logs" || tab === "config" ? "onerror=" : undefined,
    });
  }
  for (const key of [
    "image",
    "several",
    "html",
    "table",
    "plotly",
    "vega",
    "bar",
    "matrix",
    "molecule",
    "audio",
    "histogram",
    "text",
  ]) {
    visit(`/acme/loaded/runs/all/media?panel=media%2F${key}`, {
      click: [".table-row", ".legend button", "img", "canvas"],
    });
  }
  const runs = ALL ? Array.from({ length: 120 }, (_, n) => n) : [2, 29];
  for (const number of runs) {
    for (const tab of ALL ? ["overview", "charts", "media", "config"] : ["overview", "charts"]) {
      visit(`/acme/hostile/runs/h${number}/${tab}`);
    }
  }
  visit("/acme/loaded/artifacts", { text: "onerror=" });
  const version = `/acme/loaded/artifacts/any/${encodeURIComponent("<img src=x onerror=alert(1)>")}/v1`;
  for (const tab of ["overview", "files", "lineage", "diff", "history"]) {
    visit(`${version}/${tab}`, { click: [".file-name", "[aria-expanded=false]"], text: "onerror=" });
  }
  visit("/acme/loaded/models", { text: "onerror=" });
  for (const stop of texts()) visit(...stop);
  visit("/acme/loaded/storage", { text: "onerror=" });
  for (const path of ["/settings", "/settings/storage"]) visit(path);
  return stops;
}

/** Goes through the pages in lanes: most of a visit is waiting. */
async function visitAll(stops) {
  const lane = async () => {
    for (let stop = stops.shift(); stop; stop = stops.shift()) await visit(...stop);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

try {
  if (NOTES) await visitAll(texts());
  else if (SHORT) {
    await visit("/acme/hostile", { text: "evil.example" });
    await visit("/acme/loaded/runs/all/logs", { text: "onerror=" });
    await visit("/acme/loaded/runs/all/config", { text: "onerror=" });
  } else await visitAll(tour());
  // What a logged page tries in its frame, and fails, is its own doing; an error of ours is not.
  wrong.push(
    ...world.complaints.filter(
      (text) => !/sandboxed|cross-origin|\/frame\/|NotSameOrigin|status of 40[0134]/.test(text),
    ),
  );
} finally {
  await close();
}
const unique = [...new Set(wrong)];
for (const text of unique) console.log(text);
console.log(unique.length ? `${unique.length} wrong on ${pages} pages` : `nothing ran on ${pages} pages`);
assert.equal(unique.length, 0);
