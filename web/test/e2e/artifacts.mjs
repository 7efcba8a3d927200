// Facts about artifacts, their lineage and registered models, checked in a real browser.

import assert from "node:assert/strict";
import { axe } from "./axe.mjs";

const LIST = "/acme/record/artifacts";
const DATA = `${LIST}/dataset/digits`;
const MODEL = `${LIST}/model/cnn`;

/** The names of the nodes that a lineage draws, in the order of the page. */
const nodesOf = (page) => page.locator(".lineage-world .node b").allTextContents();

export const tests = [
  [
    "artifacts of a project are listed by type, and each opens its latest version",
    async (world) => {
      const page = await world.open("/acme/record");
      await page
        .getByRole("navigation", { name: "Project" })
        .getByRole("link", { name: "Artifacts" })
        .click();
      const table = page.getByRole("region", { name: "Artifacts" });
      await table.getByRole("link", { name: "digits" }).waitFor();
      assert.equal(await table.getByRole("row").count(), 4);
      await page.getByRole("toolbar", { name: "Types" }).getByRole("button", { name: /model/ }).click();
      await table.getByRole("link", { name: "digits" }).waitFor({ state: "detached" });
      await table.getByRole("link", { name: "cnn" }).click();
      await page.getByRole("heading", { name: "cnn:v1" }).waitFor();
      assert.match(page.url(), /\/artifacts\/model\/cnn\/v1\/overview$/);
      const facts = page.getByRole("region", { name: "Facts" });
      assert.match(await facts.textContent(), /train-2 at step 19/);
      assert.match(await facts.textContent(), /1 run/);
      assert.match(await facts.textContent(), /digit-reader v2 \(production\)/);
    },
  ],

  [
    "aliases and descriptions of a version are changed in place, and its history says by whom",
    async (world) => {
      const page = await world.open(`${MODEL}/v0/overview`);
      const names = page.getByRole("region", { name: "Names" });
      await names.getByRole("button", { name: "alias" }).click();
      await names.getByRole("textbox", { name: "New alias" }).fill("baseline");
      await page.keyboard.press("Enter");
      await names.getByRole("button", { name: "Remove alias baseline" }).waitFor();
      await page.getByRole("link", { name: "History" }).click();
      const history = page.getByRole("region", { name: "History" });
      await history
        .getByText(/baseline/)
        .first()
        .waitFor();
      await page.getByRole("link", { name: "Overview" }).click();
      await names.getByRole("button", { name: "Remove alias baseline" }).click();
      await names.getByRole("button", { name: "Remove alias baseline" }).waitFor({ state: "detached" });
    },
  ],

  [
    "files of a version are shown, found and saved under their own names",
    async (world) => {
      const page = await world.open(`${DATA}/v1/files`);
      const files = page.getByRole("region", { name: "Files" });
      await files.getByText("s3://bucket/digits.tar").waitFor();
      await files.getByRole("button", { name: "train/", exact: true }).click();
      await files.getByRole("button", { name: "labels.csv", exact: true }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("6,six").waitFor();
      await page.keyboard.press("Escape");
      const name = "train/a #1 50%.txt";
      const saving = page.waitForEvent("download");
      await files.getByRole("button", { name: `Download ${name}` }).click();
      assert.match((await saving).suggestedFilename(), /^a .1 50.\.txt$/);
      await page.getByRole("searchbox", { name: "Search files" }).fill("readme");
      await files.getByRole("button", { name: "README.md", exact: true }).waitFor();
      assert.equal(await files.getByRole("row").count(), 2);
    },
  ],

  [
    "what changed between two versions of data is told by file, line and metadata",
    async (world) => {
      const page = await world.open(`${DATA}/v1/diff`);
      await page.getByRole("region", { name: "Metadata" }).getByRole("row", { name: "rows 6 7" }).waitFor();
      const files = page.getByRole("region", { name: "Changed files" });
      assert.match(await files.textContent(), /changedtrain\/labels\.csv/);
      await files.getByRole("button", { name: "Show lines" }).click();
      await files.locator("tr.added", { hasText: "6,six" }).waitFor();
      assert.equal(await files.locator("tr.removed").count(), 0);
    },
  ],

  [
    "a lineage leads from data to model to evaluation, and each node to its page",
    async (world) => {
      const page = await world.open(`${MODEL}/v1/lineage`);
      await page.locator(".lineage-world .node").first().waitFor();
      const nodes = await nodesOf(page);
      assert.deepEqual(
        new Set(nodes),
        new Set([
          "digits:v1",
          "prepare-2",
          "train-2",
          "cnn:v1",
          "evaluation",
          "answers:v0",
          "digit-reader v2",
        ]),
      );
      // Upstream is left of downstream.
      const left = async (name) => (await page.locator(".node", { hasText: name }).first().boundingBox()).x;
      assert.ok((await left("digits:v1")) < (await left("train-2")));
      assert.ok((await left("train-2")) < (await left("cnn:v1")));
      assert.ok((await left("cnn:v1")) < (await left("evaluation")));
      await page.getByRole("radio", { name: "Where from" }).click();
      await page.locator(".node", { hasText: "answers:v0" }).waitFor({ state: "detached" });
      await page.locator(".node", { hasText: "digits:v1" }).getByRole("link").click();
      await page.getByRole("heading", { name: "digits:v1" }).waitFor();
      await page.getByRole("radio", { name: "List" }).click();
      await page.getByRole("region", { name: "2 steps after" }).getByText("cnn:v1").waitFor();
    },
  ],

  [
    "a model is promoted only when its run meets the checks, with a note that the history keeps",
    async (world) => {
      const page = await world.open("/acme/record/models");
      await page.getByRole("link", { name: "digit-reader" }).click();
      await page.getByRole("button", { name: "Promote v1" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Alias").fill("staging");
      await dialog.getByLabel("not met").waitFor();
      await dialog.getByRole("button", { name: "Promote" }).click();
      await dialog
        .getByRole("alert")
        .getByText(/val\/acc >= 0\.9/)
        .waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Promote v2" }).click();
      await dialog.getByLabel("Alias").fill("staging");
      await dialog.getByLabel("Why").fill("tried for a week");
      await dialog.getByRole("button", { name: "Promote" }).click();
      await dialog.waitFor({ state: "detached" });
      const history = page.getByRole("region", { name: "History" });
      await history.getByText("tried for a week").waitFor();
      await history
        .getByText(/staging/)
        .first()
        .waitFor();
    },
  ],

  [
    "a removed version says who removed it, and what it was is still there",
    async (world) => {
      const page = await world.open(`${DATA}/v2/overview`);
      await page
        .getByRole("status")
        .getByText(/Removed by/)
        .waitFor();
      await page.getByRole("region", { name: "Facts" }).getByText("prepare-3").waitFor();
      await page.getByRole("button", { name: /Show 1 removed/ }).click();
      await page.getByRole("complementary", { name: "Versions" }).getByText("removed").first().waitFor();
    },
  ],

  [
    "a run shows what it used and made",
    async (world) => {
      const page = await world.open("/acme/record/runs/train-2/artifacts");
      await page.getByRole("region", { name: "Used" }).getByRole("link", { name: "digits:v1" }).waitFor();
      await page.getByRole("region", { name: "Made" }).getByRole("link", { name: "cnn:v1" }).waitFor();
    },
  ],

  [
    "the storage of a project is told by artifact, and versions are removed together",
    async (world) => {
      const page = await world.open("/acme/record/storage");
      const row = page.getByRole("region", { name: "Artifacts" }).getByRole("row", { name: /digits/ });
      await row.getByText("2 versions").waitFor();
      await page.getByRole("button", { name: "Clean up cnn" }).click();
      const dialog = page.getByRole("dialog");
      const kept = dialog.getByRole("listitem").filter({ hasText: "model digit-reader" });
      assert.ok((await kept.count()) >= 1);
      assert.ok(await kept.first().getByRole("checkbox").isDisabled());
    },
  ],

  ...["light", "dark"].map((colorScheme) => [
    `axe finds nothing wrong on the pages of artifacts in ${colorScheme}`,
    async (world) => {
      for (const path of [
        LIST,
        `${MODEL}/v1/overview`,
        `${DATA}/v1/files`,
        `${DATA}/v1/diff`,
        `${MODEL}/v1/lineage`,
        "/acme/record/models",
        "/acme/record/storage",
      ]) {
        const page = await world.open(path, { colorScheme });
        await page.locator("main:not([aria-busy=true])").waitFor();
        await page.waitForTimeout(400);
        assert.deepEqual(await axe(page), [], path);
        await page.context().close();
      }
    },
  ]),
];
