// A project is written as one page and opened from the disk by a browser that has no network.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { axe } from "./axe.mjs";
import { PYTHON, ROOT, SOURCE } from "./world.mjs";

/** What a page from the disk did that it should not. */
function watched(page) {
  const wrong = [];
  page.on("request", (request) => {
    if (!/^(file|blob|data|about):/.test(request.url())) wrong.push(request.url());
  });
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (said) => {
    // Logged HTML stands in a frame without scripts, and software drawing is slow: the browser says so.
    if (/Blocked script execution in 'about:srcdoc'|GL Driver Message/.test(said.text())) return;
    if (said.type() === "error") wrong.push(said.text());
  });
  page.on("dialog", (dialog) => {
    wrong.push(dialog.message());
    dialog.dismiss();
  });
  return wrong;
}

const PANELS = [
  "line",
  "scatter",
  "bar",
  "parallel",
  "distribution",
  "histogram",
  "scalar",
  "importance",
  "timeline",
];
/** What is there of a kind once it is drawn; of all others a canvas or a picture. */
const DRAWN = {
  scalar: ".scalar",
  importance: ".importance .weight",
  "media/table": ".table-row",
  "media/html": "iframe",
  "charts/plotly": "iframe[data-drawn]",
  "charts/vega": "iframe[data-drawn]",
};
const MEDIA = [
  "media/image",
  "media/table",
  "media/audio",
  "media/html",
  "charts/plotly",
  "charts/vega",
  "charts/pr",
];

/** A frozen report of all kinds of panels; returns its id. */
function frozenReport(folder) {
  const block = (panel, runs) => `\n\`\`\`treering\n${JSON.stringify({ panel, runs })}\n\`\`\`\n`;
  const text = [
    "# All panels\n\nOver {{ n(val/loss) }} runs, $x^2$.\n",
    ...PANELS.map((type) => block({ type, settings: type === "line" ? { keys: ["val/loss"] } : {} })),
    ...MEDIA.map((key) => block({ type: "media", settings: { key } }, { project: "acme/rich" })),
    "\n## Code\n\n```python\nprint(1)\n```\n",
  ].join("");
  const code = `import treering as tr, sys
with tr.Api(sys.argv[1]) as api:
    report = api.create_report("acme/vit", "All panels", sys.argv[2])
    report.freeze()
    print(report.id)`;
  return execFileSync(PYTHON, ["-c", code, folder, text], { env: SOURCE, encoding: "utf8" }).trim();
}

export const tests = [
  [
    "a frozen report is exported as one page that draws every kind of panel without a server",
    async (world) => {
      const folder = mkdtempSync(join(tmpdir(), "treering-report-"));
      const file = join(folder, "report.html");
      const id = frozenReport(world.folder);
      execFileSync(
        PYTHON,
        ["-m", "treering.cli", "export", `report:${id}`, "--data", world.folder, "--html", file],
        { cwd: ROOT, env: SOURCE, stdio: ["ignore", "ignore", "inherit"] },
      );
      const context = await world.browser.newContext({
        offline: true,
        viewport: { width: 1280, height: 800 },
      });
      try {
        const page = await context.newPage();
        const wrong = watched(page);
        await page.goto(pathToFileURL(file).href);
        const figures = page.locator(".report-figure");
        await figures.first().waitFor();
        assert.equal(await figures.count(), PANELS.length + MEDIA.length);
        for (const [place, kind] of [...PANELS, ...MEDIA].entries()) {
          const figure = figures.nth(place);
          await figure.scrollIntoViewIfNeeded();
          await figure
            .locator(DRAWN[kind] ?? ":is(canvas, .tile img)")
            .first()
            .waitFor({ timeout: 8_000 });
          assert.equal(
            await figure.locator(".media-trouble, .figure-problem, .panel-error, .panel-empty, .bad").count(),
            0,
            kind,
          );
        }
        assert.match(await page.locator(".value").first().textContent(), /^\d+$/);
        assert.deepEqual(await axe(page), []);

        // Of a menu only that is there which works from the disk.
        await figures.first().scrollIntoViewIfNeeded();
        await figures
          .first()
          .getByRole("button", { name: /^Options of/ })
          .click();
        const items = await page.getByRole("menuitem").allTextContents();
        assert.ok(items.includes("View as table") && items.includes("Save as SVG"), items.join());
        assert.ok(!items.some((item) => /link|runs|Correct|Comment/.test(item)), items.join());
        await page.keyboard.press("Escape");

        // What is printed is all there, though it is not in view.
        await page.evaluate(() => {
          window.print = () => {
            window.printed = document.querySelectorAll(
              ".report-figure .tile :is(canvas, img, iframe, .table-row)",
            ).length;
          };
        });
        await page.getByRole("button", { name: "Print or save as PDF" }).click();
        await page.waitForFunction(() => window.printed !== undefined, null, { timeout: 30_000 });
        assert.ok((await page.evaluate(() => window.printed)) > MEDIA.length);
        assert.deepEqual(wrong, []);
      } finally {
        await context.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  ],
  [
    "a project is exported as one page that needs no server and no network",
    async (world) => {
      const folder = mkdtempSync(join(tmpdir(), "treering-page-"));
      const file = join(folder, "rich.html");
      execFileSync(
        PYTHON,
        ["-m", "treering.cli", "export", "acme/rich", "--data", world.folder, "--html", file],
        { cwd: ROOT, env: SOURCE, stdio: ["ignore", "ignore", "inherit"] },
      );
      const context = await world.browser.newContext({
        offline: true,
        viewport: { width: 1280, height: 800 },
      });
      try {
        const page = await context.newPage();
        const wrong = watched(page);
        await page.goto(pathToFileURL(file).href);
        await page.locator(".panel canvas").first().waitFor();
        const inked = await page.locator(".panel canvas").evaluateAll((all) =>
          all.some((canvas) => {
            const context = canvas.getContext("2d");
            if (!context || canvas.width === 0) return false;
            return context.getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
          }),
        );
        assert.ok(inked, "no chart is drawn");
        assert.deepEqual(await axe(page), []);
        await page.getByRole("button", { name: "Table" }).click();
        assert.ok((await page.locator("tbody tr").count()) > 0);
        await page.getByRole("button", { name: "Media", exact: true }).click();
        await page.waitForFunction(() => [...document.images].some((one) => one.naturalWidth > 0));
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(wrong, []);
      } finally {
        await context.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  ],
];
