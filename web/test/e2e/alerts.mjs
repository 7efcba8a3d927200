// Somebody makes a rule, is told of a run that blows up, looks at it, and has it sent on, in a real browser.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";
import { axe } from "./axe.mjs";
import { PYTHON, ROOT, SOURCE } from "./world.mjs";

const PAGE = "/acme/watched/alerts";

/** Runs the training that blows up; the server sees it within a second. */
function train(world, script) {
  execFileSync(PYTHON, [join(import.meta.dirname, script), world.folder], {
    stdio: ["ignore", "ignore", "inherit"],
    env: SOURCE,
  });
}

export const tests = [
  [
    "a rule is previewed and made, fires for a run that blows up, and is seen",
    async (world) => {
      train(world, "alerts.py");
      const page = await world.open(PAGE);
      await page.getByText("the loss is gone").waitFor();
      assert.match(await page.locator(".alert").first().textContent(), /from the code/);

      await page.getByRole("radio", { name: "Rules" }).click();
      await page.getByRole("button", { name: "New rule" }).click();
      await page.getByRole("combobox", { name: "Tell us when" }).selectOption("not_finite");
      await page.getByLabel("Metric").fill("train/*");
      await page.getByText(/It would have fired once, in 1 of the newest 5 runs/).waitFor();
      assert.match(await page.locator(".rule-preview").textContent(), /wild-9.*train\/loss at step 140/);
      assert.deepEqual(await axe(page), []);
      await page.getByRole("button", { name: "Watch from now on" }).click();
      await page.locator(".rows > li", { hasText: "train/* is NaN or infinite" }).waitFor();

      const again = spawn(PYTHON, [join(import.meta.dirname, "alerts_live.py"), world.folder], {
        cwd: ROOT,
        stdio: ["ignore", "ignore", "inherit"],
        env: SOURCE,
      });
      await page.getByRole("radio", { name: "Raised" }).click();
      const told = page.locator(".alert", { hasText: "of wild-live: NaN" });
      await told.waitFor({ timeout: 30_000 });
      assert.match(await told.textContent(), /NaN/);
      await told.locator(".alert-chart path").first().waitFor();
      await page
        .getByRole("link", { name: /^Alerts/ })
        .locator(".nav-count")
        .waitFor();
      assert.deepEqual(await axe(page), []);
      await told.getByRole("button", { name: /^Seen/ }).click();
      await told.getByText("seen by").waitFor();
      await page.getByRole("button", { name: "Mark all as seen" }).click();
      await page.locator(".nav-count").waitFor({ state: "detached", timeout: 15_000 });
      await told.getByRole("link", { name: "wild-live" }).click();
      await page.getByRole("region", { name: "Alerts" }).getByText("train/* is not a number").waitFor();
      again.kill();
    },
  ],
  [
    "a channel is tested and says where it failed, and its address is not shown again",
    async (world) => {
      const hook = createServer((_request, response) => response.end("ok"));
      await new Promise((resolve) => hook.listen(0, "127.0.0.1", resolve));
      const page = await world.open(`${PAGE}?tab=channels`);
      await page.getByRole("button", { name: "New channel" }).click();
      await page.getByLabel("Name").fill("#training");
      await page.getByLabel("Address").fill(`http://127.0.0.1:${hook.address().port}/secret`);
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("alert").getByText("not on the public internet").waitFor();
      await page.getByLabel("Address").fill("https://hooks.example.invalid/services/secret");
      await page.getByRole("switch", { name: "Quiet hours" }).click();
      assert.deepEqual(await axe(page), []);
      await page.getByRole("button", { name: "Save" }).click();
      const row = page.locator(".rows > li", { hasText: "#training" });
      await row.waitFor();
      assert.match(await row.textContent(), /https:\/\/hooks\.example\.invalid\/…/);
      assert.ok(!(await page.content()).includes("services/secret"));
      await row.getByRole("button", { name: "Send a test" }).click();
      await row.getByText("Test failed (name)").waitFor({ timeout: 15_000 });
      await row.getByRole("button", { name: "Delete #training" }).click();
      await page.getByRole("button", { name: "Delete", exact: true }).click();
      await row.waitFor({ state: "detached" });
      hook.close();
    },
  ],
];
