// A project is written as one page and opened from the disk by a browser that has no network.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { axe } from "./axe.mjs";
import { PYTHON, ROOT, SOURCE } from "./world.mjs";

export const tests = [
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
        const wrong = [];
        page.on("request", (request) => {
          if (!/^(file|blob|data):/.test(request.url())) wrong.push(request.url());
        });
        page.on("pageerror", (error) => wrong.push(error.message));
        page.on("console", (said) => said.type() === "error" && wrong.push(said.text()));
        page.on("dialog", (dialog) => {
          wrong.push(dialog.message());
          dialog.dismiss();
        });
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
