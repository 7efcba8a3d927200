// A metric is corrected for everybody, seen to be so, and put back, in a real browser.

import assert from "node:assert/strict";
import { axe } from "./axe.mjs";

const WORKSPACE = "/acme/vit";
const KEY = "train/loss";

/** Waits until the panel says of how many points it is drawn. */
async function drawn(page) {
  await page.locator(`[data-panel="${KEY}"] .points-note`, { hasText: "points" }).waitFor();
}

export const tests = [
  [
    "a metric is corrected from its panel, marked, and put back as it was",
    async (world) => {
      const page = await world.open(WORKSPACE);
      await drawn(page);
      await page.locator(`[data-panel="${KEY}"]`).hover();
      await page.getByRole("button", { name: `Options of ${KEY}` }).click();
      await page.getByRole("menuitem", { name: "Correct this metric…" }).click();

      await page.getByRole("radio", { name: "Rescale" }).click();
      assert.equal(await page.getByLabel("Metric").inputValue(), KEY);
      await page.getByLabel("× factor").fill("100");
      await page.getByLabel("Unit").fill("%");
      await page.getByLabel("Why (a note for the others)").fill("was a share");
      await page.locator(".before-after").first().waitFor();
      assert.match(
        await page.locator(".correction-preview").textContent(),
        /Changes [\d,]+ points of \d+ runs/,
      );
      assert.deepEqual(await axe(page), []);
      await page.getByRole("button", { name: "Apply for everybody" }).click();
      const row = page.locator(".rows > li", { hasText: "×100 %" });
      await row.waitFor();
      assert.match(await row.textContent(), /on train\/loss · by .+/);

      await page.getByRole("link", { name: "Workspace" }).click();
      const mark = page.locator(`[data-panel="${KEY}"] .badge.corrected`);
      await mark.waitFor();
      await page.waitForFunction(
        ([key]) =>
          /×100 %, by /.test(document.querySelector(`[data-panel="${key}"] .badge.corrected`)?.title ?? ""),
        [KEY],
      );
      await mark.click();

      await row.getByRole("switch").click();
      await row.getByText("turned off").waitFor();
      await row.getByRole("button", { name: "Versions of ×100 %" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("1. ×100 %").waitFor();
      await dialog.getByRole("button", { name: "Restore" }).click();
      await row.getByText("on train/loss").waitFor();
      await row.getByRole("button", { name: "Delete ×100 %" }).click();
      await page.getByRole("button", { name: "Delete", exact: true }).click();
      await page.getByText("Every metric is shown as it was logged").waitFor();
      await page.getByRole("link", { name: "Workspace" }).click();
      await drawn(page);
      assert.equal(await mark.count(), 0);
    },
  ],
];
