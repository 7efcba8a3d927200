// Journeys of the workspace: what people arrange, set, save and take away. Like tests.mjs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { axe } from "./axe.mjs";
import { chart, chartWhere, drawn, inAddress, plot, query } from "./page.mjs";

const WORKSPACE = "/acme/vit";

const panel = (page, id) => page.locator(`.sections [data-panel="${id}"]`);
const section = (page, name) => page.locator(`section[aria-label="${name}"]`);
const panelsOf = (page, name) =>
  section(page, name)
    .locator("[data-panel]")
    .evaluateAll((nodes) => nodes.map((node) => node.dataset.panel));
const withLayout = (layout, rest = "") =>
  `${WORKSPACE}?layout=${encodeURIComponent(JSON.stringify(layout))}${rest}`;
const withSettings = (settings, rest = "") =>
  `${WORKSPACE}?set=${encodeURIComponent(JSON.stringify(settings))}${rest}`;

/** Opens a workspace whose first charts are drawn. */
async function open(world, path = WORKSPACE, options) {
  const page = await world.open(path, options);
  await drawn(page, "train/loss");
  return page;
}

/** Waits until a section has exactly these panels, in this order. */
async function standsAs(page, name, ids) {
  await page.waitForFunction(
    ([label, wanted]) => {
      const nodes = document.querySelectorAll(`section[aria-label="${label}"] [data-panel]`);
      return JSON.stringify([...nodes].map((node) => node.dataset.panel)) === wanted;
    },
    [name, JSON.stringify(ids)],
    { timeout: 5_000 },
  );
}

/** Chooses from the menu of a panel. */
async function choose(page, name, item) {
  await page
    .getByRole("button", { name: `Options of ${name}`, exact: true })
    .first()
    .click();
  await page.getByRole("menuitem", { name: item }).click();
}

/** Opens the settings of a panel. */
async function openSettings(page, name) {
  await page
    .getByRole("button", { name: `Settings of ${name}`, exact: true })
    .first()
    .click();
  await page.locator(".settings-form .setting-group").first().waitFor();
}

async function saveAs(page, name) {
  await page.locator(".views-button").click();
  await page.getByRole("menuitem", { name: "Save as" }).click();
  await page.getByLabel("Name").fill(name);
  await page.keyboard.press("Enter");
  await page.waitForFunction(
    (text) => document.querySelector(".views-button")?.getAttribute("aria-label") === `View: ${text}`,
    name,
  );
}

async function deleteView(page) {
  await page.locator(".views-button").click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.waitForFunction(() =>
    document.querySelector(".views-button")?.getAttribute("aria-label")?.startsWith("View: Default view"),
  );
}

async function download(page, action) {
  const [file] = await Promise.all([page.waitForEvent("download"), action()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
}

export const tests = [
  [
    "panels are added by search, several metrics in one, and all that match a pattern",
    async (world) => {
      const page = await open(world);
      await page.getByRole("button", { name: "Add panel" }).click();
      await page.getByLabel("Search metrics").fill("loss");
      await page.keyboard.press("Enter");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Control+Enter");
      await section(page, "My panels").waitFor();
      const [both] = await panelsOf(page, "My panels");
      await drawn(page, both, 48);
      assert.equal(await panel(page, both).locator("h3").textContent(), "train/loss, val/loss");

      await page.getByRole("button", { name: "Add panel" }).click();
      await page.getByLabel("Search metrics").fill("^val/");
      await page.getByRole("button", { name: "One panel of all that match" }).click();
      await page.waitForFunction(
        () => document.querySelectorAll('section[aria-label="My panels"] [data-panel]').length === 2,
      );
      const [pattern] = await panelsOf(page, "My panels");
      await drawn(page, pattern, 48);

      // Pointing at a run lights all its lines.
      await page.locator(".run").nth(2).hover();
      assert.equal(
        (await chart(page, both)).highlighted,
        await page.locator(".run").nth(2).getAttribute("data-run"),
      );
      await page.waitForTimeout(500); // the address follows
      const copy = await world.open(page.url().slice(world.url.origin.length));
      await drawn(copy, both, 48);
      assert.deepEqual(await panelsOf(copy, "My panels"), [pattern, both]);
    },
  ],

  [
    "panels are dragged by pointer and by keyboard, and undo brings them back",
    async (world) => {
      const page = await open(world);
      const before = await panelsOf(page, "train");
      assert.deepEqual(before, ["train/grad_norm", "train/loss", "train/lr"]);
      const handle = page.getByRole("button", { name: "Move train/lr" });
      await panel(page, "train/lr").hover();
      const from = await handle.boundingBox();
      const to = await panel(page, "train/grad_norm").boundingBox();
      await page.mouse.move(from.x + 6, from.y + 12);
      await page.mouse.down();
      await page.mouse.move(from.x - 60, from.y + 30, { steps: 4 });
      await page.mouse.move(to.x + 30, to.y + 60, { steps: 4 });
      await page.locator(".cell.drop-before").waitFor();
      await page.mouse.up();
      await standsAs(page, "train", ["train/lr", "train/grad_norm", "train/loss"]);
      await page.keyboard.press("Control+z");
      await standsAs(page, "train", before);

      await handle.focus();
      await page.keyboard.press("Space");
      await page.locator(".drag-chip").waitFor();
      await page.waitForTimeout(200); // no hand is quicker than the sensor that then listens
      await page.keyboard.press("ArrowLeft");
      await page.locator(".cell.drop-before, .cell.drop-after").waitFor();
      await page.keyboard.press("Space");
      await standsAs(page, "train", ["train/grad_norm", "train/lr", "train/loss"]);
      await page.keyboard.press("Control+z");
      await standsAs(page, "train", before);
      await page.keyboard.press("Control+Shift+z");
      await standsAs(page, "train", ["train/grad_norm", "train/lr", "train/loss"]);
    },
  ],

  [
    "panels are resized by their corner, by pointer and by arrows",
    async (world) => {
      const page = await open(world);
      const corner = page.getByRole("button", { name: /^Resize train\/grad_norm/ });
      const small = await panel(page, "train/grad_norm").boundingBox();
      await panel(page, "train/grad_norm").hover();
      const grip = await corner.boundingBox();
      await page.mouse.move(grip.x + 8, grip.y + 8);
      await page.mouse.down();
      await page.mouse.move(grip.x + small.width, grip.y + 20, { steps: 6 });
      await page.mouse.up();
      const wide = await panel(page, "train/grad_norm").boundingBox();
      assert.ok(wide.width > small.width * 1.9, `${wide.width}`);
      await corner.focus();
      await page.keyboard.press("ArrowDown");
      await page.waitForFunction(
        (height) => document.querySelector('[data-panel="train/grad_norm"]').offsetHeight > height * 1.8,
        small.height,
      );
      await page.keyboard.press("Control+z");
      await page.keyboard.press("Control+z");
      await page.waitForFunction(
        (width) => Math.abs(document.querySelector('[data-panel="train/grad_norm"]').offsetWidth - width) < 3,
        small.width,
      );
    },
  ],

  [
    "a removed panel is hidden and not lost; a doubled one stands beside the first; sections are moved, renamed, hidden",
    async (world) => {
      const page = await open(world);
      await choose(page, "val/loss", "Remove");
      await standsAs(page, "val", ["val/acc_top1"]);
      await section(page, "val").getByText("1 hidden").click();
      await page.getByRole("menuitem", { name: "val/loss" }).click();
      await standsAs(page, "val", ["val/acc_top1", "val/loss"]);

      await choose(page, "val/acc_top1", "Duplicate");
      await page.waitForFunction(
        () => document.querySelectorAll('section[aria-label="val"] [data-panel]').length === 3,
      );
      const [, copy] = await panelsOf(page, "val");
      await drawn(page, copy, 24);
      await page.getByRole("button", { name: "Options of val/acc_top1", exact: true }).nth(1).click();
      await page.getByRole("menuitem", { name: "Move to section" }).hover();
      await page.getByRole("menuitem", { name: "train", exact: true }).click();
      await standsAs(page, "val", ["val/acc_top1", "val/loss"]);
      assert.equal((await panelsOf(page, "train"))[0], copy);

      await page.getByRole("button", { name: "Options of section val" }).click();
      await page.getByRole("menuitem", { name: "Rename" }).click();
      await page.getByLabel("Name of the section").fill("<b>Validation</b>");
      await page.keyboard.press("Enter");
      await section(page, "<b>Validation</b>").waitFor();
      await page.getByRole("button", { name: "Options of section <b>Validation</b>" }).click();
      await page.getByRole("menuitem", { name: "Move up" }).click();
      const sections = () =>
        page.locator("section[data-section]").evaluateAll((nodes) => nodes.map((node) => node.ariaLabel));
      assert.equal((await sections())[0], "<b>Validation</b>");
      await page.getByRole("button", { name: "Options of section <b>Validation</b>" }).click();
      await page.getByRole("menuitem", { name: "Hide section" }).click();
      await section(page, "<b>Validation</b>").waitFor({ state: "detached" });
      await page.getByRole("button", { name: "1 hidden section" }).click();
      await page.getByRole("button", { name: "Show section <b>Validation</b>" }).click();
      await section(page, "<b>Validation</b>").waitFor();
    },
  ],

  [
    "settings cascade from workspace to section to panel, say what is overridden, and can be reset",
    async (world) => {
      const page = await open(world);
      const log = (id) => panel(page, id).locator(".badge", { hasText: /^log$/ });
      await page.getByRole("button", { name: "Log y" }).click();
      await log("train/loss").waitFor();
      await log("val/loss").waitFor();
      await page.getByRole("button", { name: "Settings of val", exact: true }).click();
      await page.getByRole("switch", { name: "Log y" }).click();
      await log("val/loss").waitFor({ state: "detached" });
      assert.equal(await log("train/loss").count(), 1);
      await page.keyboard.press("Escape");

      await openSettings(page, "val/loss");
      const scale = page.getByRole("switch", { name: "Log y" });
      assert.equal(await scale.getAttribute("aria-checked"), "false");
      await scale.click();
      await log("val/loss").waitFor();
      assert.equal(await log("val/acc_top1").count(), 0);
      await page.getByText("reset 1 overridden").waitFor();
      await page.getByRole("button", { name: "Reset Log y" }).click();
      await log("val/loss").waitFor({ state: "detached" });
      await page.getByLabel("Title").fill("Loss on held-out data");
      await page.getByLabel("Y to").fill("2");
      await page.waitForFunction(
        () => window.__treering.charts().find(({ key }) => key === "val/loss").yDomain[1] === 2,
      );
      assert.equal(await panel(page, "val/loss").locator("h3").textContent(), "Loss on held-out data");
      await page.keyboard.press("Escape");
      await page.waitForTimeout(500);
      const copy = await open(world, page.url().slice(world.url.origin.length));
      assert.equal((await drawn(copy, "val/loss")).yDomain[1], 2);
      assert.equal(await panel(copy, "val/loss").locator("h3").textContent(), "Loss on held-out data");
      for (let i = 0; i < 3; i++) await page.keyboard.press("Control+z");
      await page.waitForFunction(
        () => window.__treering.charts().find(({ key }) => key === "val/loss").yDomain[1] !== 2,
      );
    },
  ],

  [
    "an expression is computed, and one that does not parse says where",
    async (world) => {
      const page = await open(world);
      await page.getByRole("button", { name: "Add panel" }).click();
      await page.getByLabel("Search metrics").fill("=1 - val/acc_top1 / 100");
      await page.getByRole("button", { name: "Add expression" }).click();
      await section(page, "My panels").waitFor();
      const [id] = await panelsOf(page, "My panels");
      const { yDomain } = await drawn(page, id, 24);
      assert.ok(yDomain[1] < 1.2 && yDomain[0] >= 0, String(yDomain));
      await openSettings(page, "=1 - val/acc_top1 / 100");
      await page.getByLabel("New expression").fill("exp(train/loss");
      await page.locator(".expression .field-error").waitFor();
      assert.match(await page.locator(".expression .field-error").textContent(), /expected|“\)”/);
      await page.getByLabel("New expression").fill("exp(train/loss)");
      await page.locator(".expression .field-error").waitFor({ state: "detached" });
      await page.getByLabel("New expression").press("Enter");
      await drawn(page, id, 48);
    },
  ],

  [
    "groups have the chosen line and band, over all their runs, with the single runs faint behind",
    async (world) => {
      const asked = [];
      const page = await world.open("/");
      page.on(
        "request",
        (request) => request.url().includes("/1/series") && asked.push(request.postDataJSON()),
      );
      const group = `&group=${encodeURIComponent('["config.model"]')}`;
      await page.goto(
        new URL(withSettings({ center: "median", spread: "ci", faint: true }, group), world.url).href,
      );
      await drawn(page, "train/loss", 27);
      const grouped = asked.find(({ groups, keys }) => groups && keys.includes("train/loss"));
      assert.deepEqual(
        [grouped.center, grouped.band, grouped.confidence, grouped.groups.length],
        ["median", "ci", 0.95, 3],
      );
      await openSettings(page, "train/loss");
      await page.getByLabel("Band of a group").selectOption("minmax");
      await page.waitForRequest(
        (request) => request.url().includes("/1/series") && request.postDataJSON().band === "minmax",
      );
      await page.getByRole("switch", { name: "Single runs faint" }).click();
      await drawn(page, "train/loss", 3);
    },
  ],

  [
    "lines are coloured by a metric along one ramp, and the legend says what colours mean",
    async (world) => {
      const page = await open(world);
      await openSettings(page, "val/loss");
      await page.getByRole("button", { name: /^Colour by/ }).click();
      await page.getByRole("combobox", { name: "Colour by" }).fill("acc_top1");
      await page.keyboard.press("Enter");
      const ramp = panel(page, "val/loss").locator(".ramp");
      await ramp.waitFor();
      assert.match(await ramp.textContent(), /val\/acc_top1.*\d/);
      await page.getByRole("button", { name: /^Style by/ }).click();
      await page.getByRole("combobox", { name: "Style by" }).fill("model");
      await page.keyboard.press("Enter");
      await panel(page, "val/loss").getByLabel("Line style by model").waitFor();
    },
  ],

  [
    "a baseline says how all others differ, in the tooltip and in the list",
    async (world) => {
      const page = await open(world, `${WORKSPACE}?sort=-metric%3Aval%2Facc_top1%40max`);
      await page.locator(".run").nth(3).hover();
      await page.keyboard.press("b");
      await inAddress(page, "base");
      await page.waitForFunction(
        () => document.querySelectorAll(".run-value .good, .run-value .worse").length > 10,
      );
      assert.ok((await page.locator(".run-value .good").count()) >= 3);
      const box = await plot(page, "val/acc_top1").boundingBox();
      await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.35, { steps: 3 });
      await page.locator(".chart-tooltip small", { hasText: /[▲▼]/ }).first().waitFor();
      assert.ok(await page.locator(".chart-tooltip", { hasText: "base" }).isVisible());
    },
  ],

  [
    "a panel of a metric that is gone is empty and says so, and a broken layout opens what is left of it",
    async (world) => {
      const layout = {
        sections: [
          {
            name: "Old",
            panels: [
              { id: "gone/metric", type: "line" },
              { type: "line", settings: { keys: ["gone/<b>too</b>"] } },
              { type: "hologram" },
              { type: 7 },
            ],
          },
        ],
      };
      const page = await world.open(withLayout(layout));
      await section(page, "Old").waitFor();
      for (const text of ["gone/metric", "gone/<b>too</b>", "hologram"]) {
        await section(page, "Old").locator(".panel-empty", { hasText: text }).waitFor();
      }
      assert.equal(await section(page, "Old").locator("[data-panel]").count(), 3);
      const broken = await world.open(`${WORKSPACE}?layout=${encodeURIComponent('{"sections":[{')}`);
      await drawn(broken, "train/loss", 24);
    },
  ],

  [
    "views are saved, opened by a short link, and never overwritten without asking",
    async (world) => {
      const page = await open(world);
      const label = () => page.locator(".views-button").getAttribute("aria-label");
      await page.getByRole("button", { name: "Log y" }).click();
      await page.locator(".unsaved").waitFor();
      await saveAs(page, "Paper <i>figures</i>");
      await inAddress(page, "view");
      assert.deepEqual(Object.keys(query(page)), ["view"]);
      const link = page.url().slice(world.url.origin.length);

      const other = await open(world, link);
      await panel(other, "train/loss").locator(".badge", { hasText: /^log$/ }).waitFor();
      await other.getByRole("button", { name: "Min–max" }).click();
      await other.getByRole("button", { name: "Save", exact: true }).click();
      await other.locator(".unsaved").waitFor({ state: "detached" });

      // The first page still has the former version.
      await page.getByRole("radio", { name: "Large" }).click();
      assert.match(await label(), /with unsaved changes/);
      await inAddress(page, "size");
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await page.getByText("Nothing has been overwritten").waitFor();
      assert.deepEqual(await axe(page), []);
      await page.getByRole("button", { name: "Save mine as new" }).click();
      await page.getByLabel("Name").fill("Mine");
      await page.keyboard.press("Enter");
      await page.waitForFunction(
        () => document.querySelector(".views-button")?.getAttribute("aria-label") === "View: Mine",
      );
      const third = await open(world, link);
      assert.equal(
        await third.getByRole("button", { name: "Min–max" }).getAttribute("aria-pressed"),
        "false",
      );
      assert.equal(await third.locator(".sections.size-m").count(), 1);
      await deleteView(page);
      await deleteView(third);
      await third.waitForTimeout(500);
      const gone = await open(world, link);
      await gone.getByText("does not exist any more").waitFor();
    },
  ],

  [
    "a view can be what its project opens with, and is exported and imported as JSON",
    async (world) => {
      const page = await open(world);
      await choose(page, "val/loss", "Remove");
      await saveAs(page, "First");
      await page.locator(".views-button").click();
      await page.getByRole("menuitem", { name: "Opens first" }).hover();
      await page.getByRole("menuitemcheckbox", { name: "In this project" }).click();
      await page.waitForFunction(() => !new URLSearchParams(location.search).has("view"));
      await page.keyboard.press("Escape");
      await page.keyboard.press("Escape");
      const bare = await open(world);
      await bare.locator(".views-button", { hasText: "First" }).waitFor();
      await section(bare, "val").getByText("1 hidden").waitFor();

      await bare.locator(".views-button").click();
      await bare.getByRole("menuitem", { name: "File" }).hover();
      const file = await download(bare, () => bare.getByRole("menuitem", { name: "Export as JSON" }).click());
      assert.equal(file.name, "First.view.json");
      assert.deepEqual(JSON.parse(file.text).layout.hidden, ["val/loss"]);
      await deleteView(bare);
      const plain = await open(world);
      await standsAs(plain, "val", ["val/acc_top1", "val/loss"]);
      const field = plain.getByLabel("File of a view");
      await field.setInputFiles({
        name: "v.json",
        mimeType: "application/json",
        buffer: Buffer.from(file.text),
      });
      await standsAs(plain, "val", ["val/acc_top1"]);
      await field.setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("{") });
      await plain.getByText("x.json is not JSON").waitFor();
    },
  ],

  [
    "a chart is saved as SVG, PNG, the drawn points and every point",
    async (world) => {
      const page = await open(world, `${WORKSPACE}?show=1-3`);
      await drawn(page, "train/loss", 3);
      const svg = await download(page, () => choose(page, "train/loss", "Save as SVG"));
      assert.match(svg.text, /^<svg .*<\/svg>\s*$/s);
      assert.ok(svg.text.includes(">train/loss</text>"));
      assert.ok(!svg.text.includes("NaN"), "every coordinate is a number");
      const [png] = await Promise.all([
        page.waitForEvent("download"),
        choose(page, "train/loss", "Save as PNG"),
      ]);
      const bytes = await readFile(await png.path());
      assert.equal(bytes.subarray(1, 4).toString(), "PNG");
      const drawnCsv = await download(page, () => choose(page, "train/loss", "Save what is drawn"));
      const { drawn: points, total } = await chart(page, "train/loss");
      assert.equal(drawnCsv.text.trim().split("\n").length, points + 1);
      const all = await download(page, () => choose(page, "train/loss", "Save every point"));
      assert.equal(all.text.trim().split("\n").length, total + 1);
    },
  ],

  [
    "a chart is saved as a figure for a paper, at the paper's size",
    async (world) => {
      const page = await open(world, `${WORKSPACE}?show=1-3`);
      await drawn(page, "train/loss", 3);
      const save = (form) => async () => {
        await choose(page, "train/loss", "Figure for a paper");
        const dialog = page.getByRole("dialog");
        await dialog.getByRole("radio", { name: form, exact: true }).click();
        await dialog.getByLabel("Height in mm").fill("60");
        assert.deepEqual(await axe(page), []);
        await dialog.getByRole("button", { name: "Save" }).click();
      };
      const pdf = await download(page, save("PDF"));
      assert.match(pdf.text, /^%PDF-1\.4[\s\S]*\/MediaBox \[0 0 238\.11 170\.08\][\s\S]*%%EOF\s*$/);
      const tikz = await download(page, save("TikZ"));
      assert.equal(tikz.text.match(/\\addlegendentry/g).length, 3);
      assert.ok(tikz.text.includes("height=60mm"));
    },
  ],

  ...["light", "dark"].map((colorScheme) => [
    `axe finds nothing in the popovers and dialogs of the workspace in ${colorScheme}`,
    async (world) => {
      const page = await open(world, WORKSPACE, { colorScheme });
      await openSettings(page, "train/loss");
      await page.getByRole("switch", { name: "Log y" }).click();
      assert.deepEqual(await axe(page), []);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Add panel" }).click();
      await page.getByLabel("Search metrics").waitFor();
      assert.deepEqual(await axe(page), []);
      await page.keyboard.press("Escape");
      await page.locator(".dialog").waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Settings of val", exact: true }).click();
      await page.locator(".settings-form").waitFor();
      assert.deepEqual(await axe(page), []);
    },
  ]),

  [
    "on a phone settings, adding and views are within reach and within the screen",
    async (world) => {
      const page = await world.open(WORKSPACE, { width: 390, height: 844, hasTouch: true, isMobile: true });
      await drawn(page, "train/loss");
      const inside = async (locator) => {
        const box = await locator.boundingBox();
        assert.ok(box.x >= 0 && box.x + box.width <= 390, `${box.x}…${box.x + box.width}`);
      };
      await page.getByRole("button", { name: "Settings of train/loss" }).tap();
      await page.locator(".settings-form .setting-group").first().waitFor();
      await inside(page.locator(".panel-settings"));
      assert.deepEqual(await axe(page), []);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Add panel" }).tap();
      await page.getByLabel("Search metrics").waitFor();
      await inside(page.locator(".dialog"));
      assert.deepEqual(await axe(page), []);
      await page.keyboard.press("Escape");
      await page.locator(".dialog").waitFor({ state: "detached" });
      await page.locator(".views-button").tap();
      await inside(page.locator(".menu"));
      await page.keyboard.press("Escape");
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
      await chartWhere(page, "train/loss", "highlighted", null);
    },
  ],
];
