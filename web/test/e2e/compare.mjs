// Facts about the runs table, the comparing page and the panels over runs, checked in a real browser.

import assert from "node:assert/strict";
import { axe } from "./axe.mjs";
import { inAddress, query } from "./page.mjs";

const RUNS = "/acme/sweep/runs";

/** Rows of the table that are drawn, by name. */
async function names(page) {
  return page
    .locator(".runs-rows [data-run] .run-name")
    .evaluateAll((links) => links.map((link) => link.title));
}

async function table(page) {
  await page.locator(".runs-rows [data-run]").first().waitFor();
}

/** Text of the cells of a column, top to bottom. */
async function column(page, label) {
  const index = await page
    .getByRole("columnheader", { name: new RegExp(`^${label}`) })
    .getAttribute("aria-colindex");
  return page
    .locator(`.runs-rows [data-run] [aria-colindex="${index}"]`)
    .evaluateAll((cells) => cells.map((cell) => cell.textContent.trim()));
}

/** Adds a panel over runs to the workspace. */
async function addPanel(page, title) {
  await page.getByRole("button", { name: "Add panel" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(title, { exact: true }).click();
  await dialog.getByRole("button", { name: "Add panel" }).click();
  await page.keyboard.press("Escape");
}

/** Waits until a panel over runs is drawn, and gives its report. */
async function plotOf(page, name, least = 1) {
  await page.waitForFunction(
    ([wanted, count]) =>
      window
        .__treeringPlots?.()
        .some((plot) => plot.name === wanted && plot.painted && plot.ids.length >= count),
    [name, least],
    { timeout: 10_000 },
  );
  return page.evaluate((wanted) => {
    const { ids, highlighted, paintMs } = window.__treeringPlots().find((plot) => plot.name === wanted);
    return { ids, highlighted, paintMs };
  }, name);
}

export const tests = [
  [
    "the runs table shows every run with what tells them apart",
    async (world) => {
      const page = await world.open(RUNS);
      await table(page);
      assert.equal(await page.locator(".runs-table").getAttribute("aria-rowcount"), "46");
      const heads = await page.getByRole("columnheader").allInnerTexts();
      for (const head of ["name", "state", "lr", "model", "val/acc"])
        assert.ok(
          heads.some((text) => text.startsWith(head)),
          `${head} is not among ${heads}`,
        );
      // A name is text, whatever it says.
      assert.ok((await names(page)).some((name) => name.startsWith("sweep-")));
    },
  ],

  [
    "the table is sorted by the server, missing and NaN last both ways and told apart",
    async (world) => {
      const cols = JSON.stringify({
        columns: [[["name"], "p"], [["metric:train/loss"]], [["config.warmup"]], [["metric:val/acc", "max"]]],
      });
      const page = await world.open(`${RUNS}?table=${encodeURIComponent(cols)}`);
      await table(page);
      const sort = (label) => page.getByRole("columnheader", { name: label }).locator(".head-name").click();
      await sort(/val\/acc/);
      await inAddress(page, "sort");
      await page.waitForFunction(
        () => document.querySelector(".runs-rows [data-run] .run-name")?.title === "sweep-41",
      );
      assert.equal((await column(page, "val/acc"))[0], "81.2%");
      await sort(/train\/loss/);
      await page.waitForTimeout(600);
      await page.locator(".runs-table").evaluate((node) => node.scrollTo(0, node.scrollHeight));
      await page.locator(".cell-nan").waitFor();
      assert.equal((await column(page, "train/loss")).at(-1), "NaN");
      await sort(/warmup/);
      await page.locator(".runs-table").evaluate((node) => node.scrollTo(0, node.scrollHeight));
      await page.waitForFunction(() =>
        document
          .querySelector('.runs-rows [aria-rowindex="46"] .cell-missing')
          ?.textContent.includes("missing"),
      );
    },
  ],

  [
    "the table is sorted by a second column where the first is equal, and a saved view keeps that",
    async (world) => {
      const cols = JSON.stringify({
        columns: [[["name"], "p"], [["config.model"]], [["config.seed"]], [["metric:val/acc", "max"]]],
      });
      const page = await world.open(`${RUNS}?table=${encodeURIComponent(cols)}`);
      await table(page);
      const head = (label) => page.getByRole("columnheader", { name: label }).locator(".head-name");
      await head(/^model/).click();
      await head(/^seed/).click({ modifiers: ["Shift"] });
      await head(/val\/acc/).click({ modifiers: ["Shift"] });
      await page.waitForFunction(() => document.querySelectorAll(".sort-place").length === 3);
      await page.waitForFunction(() => JSON.parse(new URLSearchParams(location.search).get("table")).sort);
      await page.waitForTimeout(600);
      const rows = [];
      const [models, seeds, accs] = [
        await column(page, "model"),
        await column(page, "seed"),
        await column(page, "val/acc"),
      ];
      for (const [i, model] of models.entries())
        rows.push([model, Number(seeds[i]), Number.parseFloat(accs[i])]);
      const sorted = [...rows].sort((a, b) => a[0].localeCompare(b[0]) || a[1] - b[1] || b[2] - a[2]);
      assert.deepEqual(rows, sorted);
      assert.ok(new Set(models).size < models.length);

      await page.getByRole("button", { name: /^View: / }).click();
      await page.getByRole("menuitem", { name: /Save as/ }).click();
      await page.getByRole("dialog").getByLabel("Name").fill("by model and seed");
      await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
      await page.getByRole("button", { name: "View: by model and seed" }).waitFor();
      await inAddress(page, "view");
      const id = query(page).view;
      const again = await world.open(`${RUNS}?view=${id}`);
      await table(again);
      assert.equal(await again.locator(".sort-place").count(), 3);
      assert.deepEqual(await column(again, "seed"), seeds);
      // From the workspace and back the table is as it was left.
      await again.getByRole("link", { name: "Workspace" }).click();
      await again.locator(".sections").waitFor();
      await again.getByRole("link", { name: "Runs", exact: true }).click();
      await table(again);
      assert.equal(await again.locator(".sort-place").count(), 3);
      await again.getByRole("button", { name: /^View: / }).click();
      await again.getByRole("menuitem", { name: /^Delete/ }).click();
      await again.getByRole("button", { name: "Delete" }).click();
      await again.getByRole("button", { name: /^View: Default/ }).waitFor();
    },
  ],

  [
    "columns are arranged by hand and by keyboard, and a link shows them so",
    async (world) => {
      const page = await world.open(RUNS);
      await table(page);
      await page.getByRole("button", { name: "Columns" }).click();
      const dialog = page.getByRole("dialog", { name: "Columns" });
      await dialog.getByRole("button", { name: "Hide runtime" }).click();
      await dialog.getByRole("button", { name: /^lr config\. Alt/ }).focus();
      await page.keyboard.press("Alt+ArrowUp");
      await dialog.getByLabel("Search columns").fill("speed");
      await dialog
        .getByRole("button", { name: /speed\/tokens/ })
        .first()
        .click();
      // At the best step of another metric.
      await dialog.getByLabel("Search columns").fill("");
      await dialog.getByRole("button", { name: "Metric…" }).click();
      await page.getByRole("option", { name: /speed\/tokens/ }).click();
      await dialog.getByLabel("Which value").selectOption("when");
      await dialog.getByRole("button", { name: "Other metric…" }).click();
      await page.getByRole("option", { name: /val\/acc/ }).click();
      await dialog.getByLabel("Best is").selectOption("max");
      await dialog.getByRole("button", { name: "Add", exact: true }).click();
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => new URLSearchParams(location.search).get("table")?.includes('"when"'));
      const again = await world.open(new URL(page.url()).pathname + new URL(page.url()).search);
      await table(again);
      assert.equal(await again.getByRole("columnheader", { name: /^runtime/ }).count(), 0);
      await again.locator(".runs-table").evaluate((node) => node.scrollTo(4000, 0));
      await again.getByRole("columnheader", { name: /speed\/tokens.*where val\/acc is highest/s }).waitFor();
    },
  ],

  [
    "groups nest, with mean and deviation over all their runs",
    async (world) => {
      const group = encodeURIComponent(JSON.stringify(["config.model", "config.lr"]));
      const cols = encodeURIComponent(
        JSON.stringify({ columns: [[["name"], "p"], [["metric:val/acc", "max"]], [["config.lr"]]] }),
      );
      const page = await world.open(`${RUNS}?group=${group}&table=${cols}`);
      const line = page.locator(".group-line").filter({ hasText: "vit-l/16" }).first();
      await line.waitFor();
      assert.match(await line.textContent(), /15/);
      // Of one model and one rate five seeds are left, a tenth apart: 81 ± 0.16.
      const inner = page.locator('.group-line[aria-level="2"]').filter({ hasText: /81\.00/ });
      await inner.first().waitFor();
      assert.match(await inner.first().textContent(), /81\.00\s*±\s*0\.16/);
      await line.locator(".group-name").click();
      await inner.first().waitFor({ state: "detached" });
    },
  ],

  [
    "the filter as a form and as text say the same",
    async (world) => {
      const page = await world.open(RUNS);
      await table(page);
      await page
        .getByLabel("Filter runs")
        .fill('config.lr >= 1e-3 and (state = "failed" or not config.warmup is missing)');
      await page.keyboard.press("Enter");
      await page.locator(".table-count").filter({ hasText: " of 45" }).waitFor();
      await page.getByRole("button", { name: "Build the filter" }).click();
      const form = page.getByRole("dialog", { name: "Filter" });
      await form.getByRole("combobox", { name: "Condition", exact: true }).nth(2).waitFor();
      assert.deepEqual(
        await form
          .getByRole("combobox", { name: "Condition", exact: true })
          .evaluateAll((all) => all.map((one) => one.value)),
        [">=", "=", "is not missing"],
      );
      await form.getByLabel("Value", { exact: true }).first().fill("0.01");
      await page.waitForFunction(() =>
        document.querySelector("#run-filter")?.value.includes("config.lr >= 0.01"),
      );
      await form.getByRole("button", { name: "Condition" }).last().click();
      await form.getByLabel("Value", { exact: true }).last().fill("finished");
      await page.waitForFunction(() =>
        document.querySelector("#run-filter")?.value.includes('state = "finished"'),
      );
      await page.keyboard.press("Escape");
      // What does not parse says where, and what was expected there.
      await page.getByLabel("Filter runs").fill("config.lr >");
      await page.keyboard.press("Enter");
      await page.locator("#filter-error").waitFor();
      assert.match(await page.locator("#filter-error").textContent(), /at \d+|expected/i);
    },
  ],

  [
    "a name and tags are edited in place, also by keyboard",
    async (world) => {
      const cols = encodeURIComponent(
        JSON.stringify({ columns: [[["name"], "p"], [["tags"]], [["notes"]]] }),
      );
      const page = await world.open(`${RUNS}?table=${cols}&runs=sweep-45`);
      await page.locator(".runs-rows [data-run]").first().waitFor();
      await page.locator(".runs-table").focus();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Enter");
      await page.locator(".cell-input").fill("good, kept");
      await page.keyboard.press("Enter");
      await page.locator(".tag", { hasText: "kept" }).waitFor();
      await page.locator("[data-run]").hover();
      await page.locator(".row-menu").click();
      await page.getByRole("menuitem", { name: "Rename" }).click();
      await page.locator(".cell-input").fill("sweep-45 <b>renamed</b>");
      await page.keyboard.press("Enter");
      await page.locator('.run-name[title="sweep-45 <b>renamed</b>"]').waitFor();
    },
  ],

  [
    "marked runs are tagged, deleted, restored and purged together",
    async (world) => {
      const page = await world.open(
        `${RUNS}?filter=${encodeURIComponent('config.model = "convnext-b" and config.seed = 4')}`,
      );
      await table(page);
      await page.getByLabel("Mark all runs that match").check();
      const bar = page.getByRole("toolbar", { name: "Marked runs" });
      await bar.getByText("3 runs").waitFor();
      await bar.getByRole("button", { name: "Tag", exact: true }).click();
      await page.getByRole("textbox", { name: "Add tags" }).fill("worst");
      await page.getByRole("button", { name: "Apply to 3 runs" }).click();
      await page.locator(".tag", { hasText: "worst" }).nth(2).waitFor();
      await bar.getByRole("button", { name: "Unmark all" }).click();
      await page.locator("[data-run] .row-mark").first().click();
      await bar.getByRole("button", { name: "Delete" }).click();
      await page.locator(".table-count").filter({ hasText: "2 of 44" }).waitFor();
      await page.getByRole("radio", { name: "Deleted" }).click();
      await page.locator(".table-count").filter({ hasText: "1" }).waitFor();
      await table(page);
      await page.locator("[data-run] .row-mark").first().click();
      await bar.getByRole("button", { name: "Restore" }).click();
      await page.getByText("No run matches").waitFor();
      await page.getByRole("radio", { name: "Table" }).click();
      await page.locator(".table-count").filter({ hasText: "3 of 45" }).waitFor();
      await page.locator("[data-run] .row-mark").first().click();
      await bar.getByRole("button", { name: "Delete" }).click();
      await page.getByRole("radio", { name: "Deleted" }).click();
      await table(page);
      await page.locator("[data-run] .row-mark").first().click();
      await bar.getByRole("button", { name: "Purge for good" }).click();
      const purge = page.getByRole("button", { name: "Purge 1 run" });
      assert.ok(await purge.isDisabled());
      await page.getByLabel("Type purge 1").fill("purge 1");
      await purge.click();
      await page.getByText("No run matches").waitFor();
    },
  ],

  [
    "a baseline shows how far every run is from it",
    async (world) => {
      const cols = encodeURIComponent(
        JSON.stringify({ columns: [[["name"], "p"], [["metric:val/acc", "max"]]] }),
      );
      const page = await world.open(`${RUNS}?table=${cols}`);
      await table(page);
      await page.locator("[data-run]").nth(2).hover();
      await page.locator(".row-menu").nth(2).click();
      await page.getByRole("menuitem", { name: "Compare all to this run" }).click();
      await inAddress(page, "table");
      await page.locator(".delta.better, .delta.worse").first().waitFor();
      assert.equal(await page.locator(".runs-line.baseline .delta").count(), 0);
    },
  ],

  [
    "the whole table is exported, and a pivot marks the best of each row",
    async (world) => {
      const page = await world.open(`${RUNS}?filter=${encodeURIComponent("config.lr = 1e-3")}`);
      await table(page);
      await page.getByRole("button", { name: "Export" }).click();
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("menuitem", { name: "CSV", exact: true }).click(),
      ]);
      assert.equal(file.suggestedFilename(), "sweep-runs.csv");
      const stream = await file.createReadStream();
      let text = "";
      for await (const part of stream) text += part;
      assert.ok(text.trim().split("\n").length >= 15, text.slice(0, 200));
      await page.getByRole("radio", { name: "Pivot" }).click();
      const pivot = page.getByRole("toolbar", { name: "Pivot" });
      const pick = async (list, name) => {
        await pivot.locator(".pivot-list", { hasText: list }).getByRole("button", { name: /…$/ }).click();
        await page.getByRole("option", { name }).click();
        await page.keyboard.press("Escape");
      };
      await pick("Rows", /^model/);
      await pick("Columns", /^seed/);
      await pick("Cell", /^val\/acc/);
      await page.locator(".pivot-table .best").first().waitFor();
      assert.equal(await page.locator(".pivot-table tbody tr").count(), 3);
    },
  ],

  [
    "chosen runs stand beside each other, at first only where they differ",
    async (world) => {
      const page = await world.open(RUNS);
      await table(page);
      await page.locator("[data-run] .row-mark").nth(1).click();
      await page.locator("[data-run] .row-mark").nth(4).click();
      await page.getByRole("button", { name: "Compare", exact: true }).click();
      await page.locator(".compare-table").waitFor();
      const keys = () => page.locator(".compare-table tbody .compare-key").allInnerTexts();
      assert.ok((await keys()).includes("model"));
      assert.ok(!(await keys()).includes("batch_size"));
      await page.getByRole("button", { name: "Only differences" }).click();
      await page.locator(".compare-table tr.same").first().waitFor();
      assert.ok((await keys()).includes("batch_size"));
      assert.equal(query(page).all, "1");
      await page.getByRole("radio", { name: "Console" }).click();
      await page
        .getByText(/printed/)
        .first()
        .waitFor();
      await page.getByRole("radio", { name: "Code" }).click();
      await page.locator(".code-side").first().waitFor();
      await page.getByRole("radio", { name: "What changed?" }).click();
      await page.locator(".changes li").first().waitFor();
      assert.ok((await page.locator(".changes li .change-key").allInnerTexts()).length > 0);
    },
  ],

  [
    "what changed is asked from a run, and finds the run to compare with",
    async (world) => {
      const page = await world.open("/acme/sweep/runs/s20/overview");
      await page.getByRole("link", { name: "What changed?" }).click();
      await page.locator(".compare-note").waitFor();
      await page.getByRole("button", { name: "Compare all of both" }).click();
      await page.locator(".run-chip").nth(1).waitFor();
    },
  ],

  [
    "configurations are ranked over their seeds, and two are told apart in words",
    async (world) => {
      const page = await world.open("/acme/sweep/compare?tab=seeds");
      await page.locator(".seeds-table tbody tr").first().waitFor();
      assert.match(await page.locator(".seeds-table tbody tr").first().textContent(), /vit-l\/16/);
      for (const model of ["vit-l/16", "convnext-b"])
        await page.locator(".seeds-table tbody tr", { hasText: model }).first().locator(".row-mark").click();
      await page.locator(".verdict-headline.clear").waitFor();
      const words = await page.locator(".verdict").textContent();
      assert.match(words, /is better/);
      assert.match(words, /Welch/);
      await page.getByRole("button", { name: "Pair by seed" }).click();
      await page.getByText(/Paired t-test/).waitFor();
    },
  ],

  [
    "panels over runs draw, are linked by hover, and open a run",
    async (world) => {
      const page = await world.open("/acme/sweep");
      await page.locator('[data-panel="val/acc"]').waitFor();
      for (const title of [
        "Scatter",
        "Parallel coordinates",
        "Run history",
        "Bar chart",
        "Box or violin plot",
        "Histogram of runs",
      ])
        await addPanel(page, title);
      const scatter = await plotOf(page, "Scatter", 40);
      await plotOf(page, "Parallel coordinates", 40);
      await plotOf(page, "Run history", 40);
      const place = await page.evaluate(() =>
        window
          .__treeringPlots()
          .find(({ name }) => name === "Scatter")
          .place(5),
      );
      const panel = page
        .locator("article", { has: page.locator("h3", { hasText: /^Scatter$/ }) })
        .locator(".plot");
      await panel.scrollIntoViewIfNeeded();
      await panel.hover({ position: { x: place[0], y: place[1] } });
      const chosen = (await plotOf(page, "Scatter")).highlighted;
      assert.ok(scatter.ids.includes(chosen));
      assert.equal((await plotOf(page, "Parallel coordinates")).highlighted, chosen);
      await page.locator(`.run.hot[data-run="${chosen}"], .run[data-run="${chosen}"].hot`).first().waitFor();
      await panel.click({ position: { x: place[0], y: place[1] } });
      await page.waitForURL(/\/runs\/[^/]+\/overview/);
    },
  ],

  [
    "a brush keeps runs, is kept in the link, and becomes a filter",
    async (world) => {
      const page = await world.open("/acme/sweep");
      await page.locator('[data-panel="val/acc"]').waitFor();
      await addPanel(page, "Parallel coordinates");
      await plotOf(page, "Parallel coordinates", 40);
      const panel = page.locator("article", { has: page.locator("h3", { hasText: /^Parallel/ }) });
      await panel.scrollIntoViewIfNeeded();
      const strip = panel.locator(".axis-strip").last();
      const box = await strip.boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height * 0.3, { steps: 4 });
      await page.mouse.up();
      await panel.getByText(/inside the brushes/).waitFor();
      await page.waitForFunction(() => decodeURIComponent(location.search).includes("range"));
      const again = await world.open(new URL(page.url()).pathname + new URL(page.url()).search);
      await again.getByText(/inside the brushes/).waitFor();
      await again.getByRole("button", { name: "Filter by this" }).click();
      await inAddress(again, "filter");
      assert.match(query(again).filter, /^metric\.val\/acc\.max >= /);
    },
  ],

  ...["light", "dark"].flatMap((colorScheme) =>
    [
      [RUNS, ".runs-rows [data-run]"],
      [`${RUNS}?group=${encodeURIComponent('["config.model"]')}`, ".group-line"],
      ["/acme/sweep/compare?tab=seeds", ".seeds-table tbody tr"],
    ].map(([path, selector]) => [
      `axe finds nothing on ${path} in ${colorScheme}`,
      async (world) => {
        const page = await world.open(path, { colorScheme });
        await page.locator(selector).first().waitFor();
        await page.waitForTimeout(500);
        assert.deepEqual(await axe(page), []);
      },
    ]),
  ),

  [
    "the table and the comparing page fit a phone",
    async (world) => {
      const page = await world.open(RUNS, { width: 390, height: 844, hasTouch: true });
      await table(page);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
      await page.locator("[data-run] .row-mark").nth(0).tap();
      await page.locator("[data-run] .row-mark").nth(1).tap();
      await page.getByRole("button", { name: "Compare", exact: true }).tap();
      await page.locator(".compare-table").waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
      assert.deepEqual(await axe(page), []);
    },
  ],
];
