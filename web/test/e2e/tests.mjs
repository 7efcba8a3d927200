// Facts about the page in a real browser over the real server. Each is `[name, async (world) => …]`.

import assert from "node:assert/strict";
import { axe } from "./axe.mjs";
import { chart, charts, chartWhere, drag, drawn, inAddress, plot, query, runCounts } from "./page.mjs";

const WORKSPACE = "/acme/vit";
const HOSTILE = '<img src=x onerror="alert(1)">';

export const tests = [
  [
    "the one-time code is taken out of the address and opens a session once",
    async (world) => {
      assert.equal(new URL(world.addressAfterLogin).hash, "");
      const again = await world.open("/", { session: false });
      await again.goto(world.url.href);
      await again.waitForSelector(".tokenless");
    },
  ],

  [
    "a browser without a session is told which command opens the page",
    async (world) => {
      const page = await world.open(WORKSPACE, { session: false });
      await page.waitForSelector(".tokenless");
      assert.match(await page.locator(".tokenless").textContent(), /treering ui/);
    },
  ],

  [
    "the projects page lists the project and leads into it",
    async (world) => {
      const page = await world.open("/");
      await page.locator(".card", { hasText: "vit" }).click();
      await drawn(page, "train/loss", 24);
      assert.equal(new URL(page.url()).pathname, WORKSPACE);
    },
  ],

  [
    "all runs are drawn, and every panel says how many of how many points",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      const note = await page.locator('[data-panel="train/loss"] .points-note').textContent();
      assert.match(note, /^[\d,]+ of 35,101 points$/);
      assert.deepEqual(await runCounts(page), { shown: 24, match: 24, total: 24 });
    },
  ],

  [
    "charts in view share requests, and those below wait",
    async (world) => {
      const page = await world.open("/", { height: 600 });
      const requests = [];
      page.on(
        "request",
        (request) => request.url().includes("/1/series") && requests.push(request.postDataJSON()),
      );
      await page.goto(new URL(WORKSPACE, world.url).href);
      await drawn(page, "train/loss", 24);
      await page.waitForTimeout(400);
      const step = requests.filter((request) => request.x === "step");
      assert.equal(step.length, 1, JSON.stringify(step.map(({ keys }) => keys)));
      assert.ok(requests.every((request) => !request.keys.includes("system/proc.threads")));
    },
  ],

  [
    "machine charts are over time since start",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.locator('[data-panel="system/cpu.util"]').scrollIntoViewIfNeeded();
      assert.equal((await drawn(page, "system/cpu.util")).axis, "relative");
    },
  ],

  [
    "pointing at a line lights it in all charts and in the list",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await drawn(page, "val/loss", 24);
      const box = await plot(page, "val/acc_top1").boundingBox();
      await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.35, { steps: 3 });
      const { highlighted } = await chartWhere(page, "val/acc_top1", "highlighted");
      for (const other of ["train/loss", "val/loss"])
        assert.equal((await chart(page, other)).highlighted, highlighted);
      assert.equal(await page.locator(".run.hot").getAttribute("data-run"), highlighted);
      assert.match(await page.locator('[data-panel="train/loss"] .panel-readout').textContent(), /\d/);
      const panel = await page.locator('[data-panel="val/acc_top1"]').boundingBox();
      const tip = await page.locator(".chart-tooltip").boundingBox();
      assert.ok(
        tip.x >= panel.x + panel.width || tip.x + tip.width <= panel.x,
        "the tooltip stands beside the panel",
      );
      assert.equal(await page.locator(".chart-tooltip > div").count(), 5);
      assert.match(await page.locator(".chart-tooltip .on b").textContent(), /%$/);
    },
  ],

  [
    "a hidden run lights nothing",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.locator(".run .eye").first().click();
      await drawn(page, "train/loss", 23);
      await page.locator(".run").first().hover();
      assert.ok((await charts(page)).every((entry) => entry.highlighted === null));
    },
  ],

  [
    "dragging zooms all charts of the axis and asks the server for the range again",
    async (world) => {
      const page = await world.open(WORKSPACE);
      const before = await drawn(page, "train/loss", 24);
      await drawn(page, "val/loss", 24);
      const asked = page.waitForRequest(
        (request) => request.url().includes("/1/series") && request.postDataJSON().range !== null,
      );
      await drag(page, "train/loss", 0.4, 0.6);
      const { range, x } = (await asked).postDataJSON();
      assert.equal(x, "step");
      await chartWhere(page, "train/loss", "zoomed", [...range, 1]);
      const after = await chartWhere(page, "train/loss", "exact");
      assert.ok(after.total < before.total / 3);
      assert.deepEqual((await chart(page, "val/loss")).xDomain, after.xDomain);
      await inAddress(page, "zoom");

      await page.keyboard.press("Backspace");
      await chartWhere(page, "train/loss", "zoomed", [...before.xDomain, 1]);
      await drag(page, "train/loss", 0.4, 0.6);
      await inAddress(page, "zoom");
      await plot(page, "train/loss").dblclick();
      await chartWhere(page, "train/loss", "zoomed", [...before.xDomain, 1]);
      await inAddress(page, "zoom", false);
    },
  ],

  [
    "Shift-drag pans and Alt-wheel zooms",
    async (world) => {
      const page = await world.open(`${WORKSPACE}?zoom=${encodeURIComponent('{"step":[500,1000]}')}`);
      await drawn(page, "train/loss", 24);
      await drag(page, "train/loss", 0.5, 0.75, { shift: true });
      // The last move of the drag is drawn with the next frame.
      let panned = await chart(page, "train/loss");
      for (const until = Date.now() + 5_000; panned.xDomain[0] >= 400 && Date.now() < until; ) {
        await page.waitForTimeout(20);
        panned = await chart(page, "train/loss");
      }
      assert.ok(panned.xDomain[0] < 400 && panned.xDomain[0] > 300, String(panned.xDomain));
      await page.keyboard.down("Alt");
      await plot(page, "train/loss").hover();
      await page.mouse.wheel(0, -240);
      await page.keyboard.up("Alt");
      await page.waitForTimeout(500);
      const zoomed = await chart(page, "train/loss");
      assert.ok(zoomed.xDomain[1] - zoomed.xDomain[0] < 450, String(zoomed.xDomain));
    },
  ],

  [
    "a copied link restores the picture",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.getByRole("slider", { name: "Smoothing" }).focus();
      for (let i = 0; i < 6; i++) await page.keyboard.press("PageUp");
      await page.getByRole("button", { name: "Log y" }).click();
      for (const index of [2, 5]) await page.locator(".run .eye").nth(index).click();
      await drag(page, "train/loss", 0.3, 0.7);
      await inAddress(page, "zoom");
      await page.waitForTimeout(500);
      const picture = ({ ids, xDomain, yDomain }) => ({ ids, xDomain, yDomain });
      const before = picture(await drawn(page, "train/loss", 22));
      const params = query(page);
      assert.deepEqual(Object.keys(params).sort(), ["hide", "smooth", "ylog", "zoom"]);

      const copy = await world.open(new URL(page.url()).pathname + new URL(page.url()).search);
      await drawn(copy, "train/loss", 22);
      await copy.waitForTimeout(300);
      assert.deepEqual(picture(await chart(copy, "train/loss")), before);
      assert.equal(
        await copy.locator(".smoothing output").first().textContent(),
        Number(params.smooth).toFixed(2),
      );
    },
  ],

  [
    "Alt-click shows only one run, and again all",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page
        .locator(".run .eye")
        .nth(3)
        .click({ modifiers: ["Alt"] });
      await drawn(page, "train/loss", 1);
      await inAddress(page, "show");
      assert.equal(await page.locator('[data-panel="train/loss"] .legend li').count(), 1);
      await page
        .locator(".run .eye")
        .nth(3)
        .click({ modifiers: ["Alt"] });
      await drawn(page, "train/loss", 24);
    },
  ],

  [
    "the filter speaks the server's language and shows its errors",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.keyboard.press("f");
      await page.keyboard.type('state = "failed"');
      await page.keyboard.press("Enter");
      await drawn(page, "train/loss", 1);
      assert.equal((await runCounts(page)).match, 1);
      await page.getByLabel("Filter runs").fill("config.lr >>> 3");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#filter-error");
      assert.ok((await page.locator("#filter-error").textContent()).length > 10);
      await page.getByLabel("Clear filter").click();
      await drawn(page, "train/loss", 24);
    },
  ],

  [
    "groups are drawn as mean and band, single runs on request",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.getByRole("button", { name: "Group", exact: true }).click();
      await page.getByRole("option", { name: /^model/ }).click();
      await page.keyboard.press("Escape");
      await drawn(page, "train/loss", 3);
      assert.equal(await page.locator(".run-group").count(), 3);
      await page.getByRole("button", { name: "individual" }).click();
      await drawn(page, "train/loss", 24);
      await inAddress(page, "individual");
    },
  ],

  [
    "runs are sorted by any value of any metric, and the head says which",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.locator(".sort-by").click();
      await page.keyboard.type("acc_top1");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.querySelector(".sort-by")?.textContent === "acc_top1 · max");
      await page.waitForFunction(() => /%$/.test(document.querySelector(".run-value")?.textContent ?? ""));
      const values = (await page.locator(".run-value").allTextContents()).map(Number.parseFloat);
      assert.deepEqual(
        values,
        [...values].sort((a, b) => b - a),
      );
    },
  ],

  [
    "panels are found by regular expression, with a count",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.keyboard.press("/");
      await page.keyboard.type("^(train|val)/loss$");
      await page.waitForFunction(() => document.querySelectorAll("[data-panel]").length === 2);
      assert.equal(await page.locator(".field-count").textContent(), "2");
      await page.keyboard.type("(");
      assert.equal(await page.locator("#panel-search").getAttribute("aria-invalid"), "true");
    },
  ],

  [
    "a panel opens in full screen with Enter, closes with Esc, and Back works",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await plot(page, "val/loss").focus();
      await page.keyboard.press("Enter");
      await page.waitForSelector(".dialog-full .chart");
      await inAddress(page, "panel");
      await page.keyboard.press("Escape");
      await page.waitForSelector(".dialog-full", { state: "detached" });
      await inAddress(page, "panel", false);
      const deep = await world.open(`${WORKSPACE}?panel=train%2Floss`);
      await deep.waitForSelector(".dialog-full .legend li");
      assert.equal(await deep.locator(".dialog-full .legend li").count(), 24);
    },
  ],

  [
    "the arrows move the crosshair of a focused chart",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.keyboard.press("j");
      await plot(page, "train/loss").focus();
      for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowRight");
      assert.match(await page.locator('[data-panel="train/loss"] .panel-readout').textContent(), /\d/);
      assert.ok(await page.locator('[data-panel="train/loss"] .chart-cross').isVisible());
    },
  ],

  [
    "the keyboard walks, hides and pins runs, folds the list, and lists itself",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      const second = await page.locator(".run").nth(1).getAttribute("data-run");
      assert.equal(await page.locator(".run.hot").getAttribute("data-run"), second);
      await page.keyboard.press("x");
      await drawn(page, "train/loss", 23);
      await page.keyboard.press("p");
      await page.waitForFunction(
        (key) => document.querySelector(".run")?.getAttribute("data-run") === key,
        second,
      );
      await page.keyboard.press("[");
      await page.waitForSelector(".sidebar", { state: "detached" });
      await page.keyboard.press("?");
      await page.waitForSelector(".shortcuts");
    },
  ],

  [
    "the command palette finds runs, panels and commands",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss", 24);
      await page.keyboard.press("Control+k");
      await page.waitForSelector("[cmdk-input]");
      await page.keyboard.type("quiet-otter");
      await page.waitForFunction(() =>
        document.querySelector("[cmdk-item]")?.textContent?.includes("quiet-otter"),
      );
      await page.keyboard.press("Enter");
      await page.waitForSelector(".overview h1");
      assert.equal(await page.locator(".overview h1").textContent(), "quiet-otter-2");
    },
  ],

  [
    "the theme follows the system until it is chosen",
    async (world) => {
      const page = await world.open(WORKSPACE, { colorScheme: "dark" });
      const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
      await drawn(page, "train/loss", 24);
      assert.equal(await theme(), "dark");
      await page.keyboard.press("t");
      assert.equal(await theme(), "light");
      await page.reload();
      assert.equal(await theme(), "light");
    },
  ],

  [
    "a panel can be read as a table",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "val/acc_top1", 24);
      await page.getByRole("button", { name: "Options of val/acc_top1" }).click();
      await page.getByRole("menuitem", { name: "View as table" }).click();
      await page.waitForSelector(".data-table");
      assert.equal(await page.locator(".data-table tbody tr").count(), 24);
    },
  ],

  [
    "diverged runs are left out of the range and one click brings them back",
    async (world) => {
      const page = await world.open(WORKSPACE);
      const robust = await drawn(page, "train/loss", 24);
      assert.ok(robust.yDomain[1] < 12);
      await page.locator('[data-panel="train/loss"]').getByText("1 off scale").click();
      await page.waitForFunction(
        () => (window.__treering?.charts().find((entry) => entry.key === "train/loss")?.yDomain[1] ?? 0) > 50,
      );
    },
  ],

  [
    "a point is on the chart within a second of log(), and nothing jumps",
    async (world) => {
      const page = await world.open(WORKSPACE, { height: 700 });
      await drawn(page, "train/loss");
      const live = await world.startRun("live-e2e");
      const first = await live.point();
      await page.waitForSelector(`.run-name[title="live-e2e"]`, { timeout: 10_000 });
      await page.locator(".sections").evaluate((node) => node.scrollTo(0, 40));
      await page.locator('[data-panel="train/live"]').waitFor({ timeout: 10_000 });
      await chartWhere(page, "train/live", "lastX", first.step);
      const scroll = await page.locator(".sections").evaluate((node) => node.scrollTop);
      const latencies = [];
      for (let i = 0; i < 8; i++) {
        await page.waitForTimeout(700 + i * 50);
        const { step, at } = await live.point();
        await chartWhere(page, "train/live", "lastX", step);
        latencies.push(Date.now() - at);
      }
      await live.finish();
      latencies.sort((a, b) => a - b);
      console.log(
        `      log() to chart: median ${Math.round(latencies[4])} ms, worst ${Math.round(latencies[7])} ms`,
      );
      assert.ok(latencies[4] < 1000, `median ${latencies[4]} ms`);
      assert.equal(await page.locator(".sections").evaluate((node) => node.scrollTop), scroll);
      await page.waitForFunction(
        () =>
          !document
            .querySelector('.run-name[title="live-e2e"]')
            ?.closest(".run")
            ?.querySelector(".state-mark"),
        null,
        { timeout: 10_000 },
      );
    },
  ],

  [
    "the order of the list stands still while the pointer is in it",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss");
      const names = () =>
        page
          .locator(".run")
          .evaluateAll((rows) => rows.slice(0, 10).map((row) => row.getAttribute("data-run")));
      await page.locator(".run").nth(4).hover();
      const before = await names();
      const live = await world.startRun("live-order");
      await live.point();
      await page.waitForFunction(
        (total) =>
          Number.parseInt(document.querySelector(".run-counts")?.textContent?.split("·")[2] ?? "0", 10) >
          total,
        (await runCounts(page)).total,
        { timeout: 10_000 },
      );
      assert.deepEqual(await names(), before);
      await page.mouse.move(900, 400);
      await page.waitForFunction(
        (key) => document.querySelector(".run")?.getAttribute("data-run") !== key,
        before[0],
      );
      await live.finish();
    },
  ],

  [
    "several tabs share one stream, and the next takes over",
    async (world) => {
      const context = await world.browser.newContext({ storageState: world.session });
      const streams = new Map();
      const tabs = [];
      for (let i = 0; i < 3; i++) {
        const page = await context.newPage();
        world.watch(page);
        page.on(
          "request",
          (request) => request.url().includes("/live?") && streams.set(page, (streams.get(page) ?? 0) + 1),
        );
        await page.goto(new URL(WORKSPACE, world.url).href);
        await drawn(page, "train/loss");
        tabs.push(page);
      }
      await tabs[0].waitForTimeout(500);
      assert.deepEqual([...streams.keys()], [tabs[0]]);
      await tabs[0].close();
      await tabs[1].waitForTimeout(800);
      assert.ok(streams.has(tabs[1]) || streams.has(tabs[2]));
      await context.close();
    },
  ],

  [
    "a run's page tells what it was and how it ended",
    async (world) => {
      const page = await world.open("/acme/vit/runs/r6");
      await page.waitForSelector(".overview");
      assert.equal(new URL(page.url()).pathname, "/acme/vit/runs/r6/overview");
      const text = await page.locator(".overview").textContent();
      for (const part of [
        "fern-badger-7",
        "failed",
        "FloatingPointError: loss is nan",
        "Traceback",
        "optimizer.name",
        "sgd",
      ])
        assert.ok(text.includes(part), part);
      await page.waitForSelector(".markdown strong");
      assert.equal(await page.locator(".markdown script, .markdown img, .markdown [style]").count(), 0);
      assert.equal(await page.locator('.markdown a[href^="javascript"]').count(), 0);
      await page.getByRole("link", { name: "Charts" }).click();
      await drawn(page, "train/loss", 1);
      await page.getByRole("link", { name: "System" }).click();
      await drawn(page, "system/cpu.util", 1);
    },
  ],

  [
    "name, tags and notes are edited in place",
    async (world) => {
      const page = await world.open("/acme/vit/runs/r10/overview");
      await page.getByRole("button", { name: "Rename" }).click();
      await page.getByLabel("Name").fill("renamed <b>run</b>");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Tag", exact: true }).click();
      await page.getByLabel("New tag").fill("best");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Edit notes" }).click();
      await page.getByLabel("Notes in Markdown").fill("# Good\n\nkeep *this*");
      await page.getByRole("button", { name: "Save" }).click();
      await page.waitForSelector(".markdown em");
      await page.waitForTimeout(500);
      await page.reload();
      await page.waitForSelector(".markdown em");
      assert.equal(await page.locator(".overview h1").first().textContent(), "renamed <b>run</b>");
      assert.ok(await page.getByRole("button", { name: "Remove tag best" }).isVisible());
    },
  ],

  [
    "a permanent link leads to the run",
    async (world) => {
      const page = await world.open("/acme/vit/runs/r2/overview");
      const link = await page.locator(".facts dd", { hasText: "/r/" }).textContent();
      await page.goto(link);
      await page.waitForSelector(".overview h1");
      assert.equal(new URL(page.url()).pathname, "/acme/vit/runs/r2/overview");
    },
  ],

  [
    "an unknown run says so",
    async (world) => {
      const page = await world.open("/acme/vit/runs/nothing/overview");
      await page.getByRole("alert").waitFor();
      assert.match(await page.getByRole("alert").textContent(), /nothing/);
    },
  ],

  [
    "what people typed is shown literally",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page, "train/loss");
      assert.ok(await page.locator(`.run-name[title='${HOSTILE}']`).isVisible());
      assert.equal(await page.locator("img").count(), 0);
    },
  ],

  [
    "a phone shows charts one below the other and the runs in a sheet",
    async (world) => {
      const page = await world.open(WORKSPACE, { width: 390, height: 844, hasTouch: true, isMobile: true });
      await drawn(page, "train/loss");
      const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok((await overflow()) <= 0);
      assert.deepEqual(await axe(page), []);
      const first = await page.locator("[data-panel]").first().boundingBox();
      assert.ok(first.width > 340);
      await page.getByRole("button", { name: /^Runs/ }).tap();
      await page.waitForSelector(".sidebar .run");
      await page.waitForTimeout(400); // the sheet has come to rest
      assert.deepEqual(await axe(page), []);
      assert.ok((await page.locator(".run").first().boundingBox()).height >= 44);
      await page.locator(".scrim").tap({ position: { x: 200, y: 60 } });
      await page.waitForSelector(".sidebar", { state: "detached" });
      await plot(page, "train/loss").tap({ position: { x: 180, y: 120 } });
      assert.ok(await page.locator(".chart-tooltip").isVisible());
      assert.ok((await overflow()) <= 0);
    },
  ],

  [
    "a run's page fits a phone",
    async (world) => {
      const page = await world.open("/acme/vit/runs/r6/overview", {
        width: 390,
        height: 844,
        isMobile: true,
      });
      await page.waitForSelector(".overview");
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
      assert.deepEqual(await axe(page), []);
    },
  ],

  ...["light", "dark"].flatMap((colorScheme) =>
    [
      "/",
      WORKSPACE,
      "/acme/vit/runs/r6/overview",
      "/acme/vit/runs/r6/charts",
      `${WORKSPACE}?panel=train%2Floss&group=%5B%22config.model%22%5D`,
    ].map((path) => [
      `axe finds nothing on ${path} in ${colorScheme}`,
      async (world) => {
        const page = await world.open(path, { colorScheme });
        await page.waitForSelector(".card, .panel, .overview");
        await page.waitForTimeout(900);
        assert.deepEqual(await axe(page), []);
      },
    ]),
  ),

  [
    "the page broke no rule of its security policy and logged no error",
    async (world) => {
      assert.deepEqual(world.complaints, []);
    },
  ],
];
