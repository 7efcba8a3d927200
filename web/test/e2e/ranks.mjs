// Facts about the page of a job's processes, checked in a real browser.

import assert from "node:assert/strict";
import { axe } from "./axe.mjs";
import { chart, drag, drawn, query } from "./page.mjs";

const JOB = "/acme/ranks/runs/job/processes";
const GROUP = "/acme/ranks/groups/sharded";
const ONLY = `filter=${encodeURIComponent('id = "job"')}`;

/** Waits until a heatmap is drawn, and gives its report. */
async function heatmap(page, name) {
  await page.waitForFunction(
    (wanted) =>
      window.__treeringPlots?.().some((plot) => plot.name === wanted && plot.painted && plot.ids.length > 0),
    name,
    { timeout: 10_000 },
  );
  return page.evaluate((wanted) => {
    const { ids, highlighted } = window.__treeringPlots().find((plot) => plot.name === wanted);
    return { rows: [...new Set(ids)], cells: ids.length, highlighted };
  }, name);
}

export const tests = [
  [
    "the straggler and the dead rank of a job are named",
    async (world) => {
      const page = await world.open("/acme/ranks/runs/job/overview");
      await page.getByRole("link", { name: "Processes" }).click();
      const findings = page.getByRole("region", { name: "What stands out" });
      await findings.getByText(/^Rank 2 died without a word after step 150/).waitFor();
      await findings
        .getByText(/^Rank 4 is the straggler.*2\.0×.*since step (9\d|10\d)/)
        .first()
        .waitFor();
      assert.equal(await findings.getByText(/Rank [0135] /).count(), 0);
      const list = page.getByRole("region", { name: "Processes" });
      assert.match(await list.getByRole("button", { name: /rank 4/ }).textContent(), /straggler/);
      assert.match(
        await page.locator(".page-head").textContent(),
        /6 processes · 2 hosts · 5 finished · 1 crashed/,
      );
    },
  ],

  [
    "metrics of ranks are a band, lines or a heatmap, and any rank stands alone on click",
    async (world) => {
      const page = await world.open(JOB);
      await drawn(page, "time/step_s", 1);
      await page.getByRole("radio", { name: "Each rank" }).click();
      await drawn(page, "time/step_s", 6);
      // Pointing at a rank in the list highlights its line in all charts.
      await page.getByRole("button", { name: /^rank 4/ }).hover();
      await page.waitForFunction(() =>
        window.__treering
          .charts()
          .every(({ visible, highlighted }) => !visible || highlighted?.endsWith("/rank4")),
      );
      // Charts of one axis zoom together.
      await drag(page, "time/step_s", 0.5, 0.8);
      await page.waitForFunction(() =>
        window.__treering
          .charts()
          .filter(({ key }) => /loss|step_s/.test(key))
          .every(({ painted, xDomain }) => painted && xDomain[0] > 60 && xDomain[1] < 190),
      );
      await page.getByRole("button", { name: "Show all", exact: true }).first().click();
      await page.getByRole("button", { name: /^rank 4/ }).click();
      await drawn(page, "time/step_s", 1);
      assert.ok(query(page).only.endsWith("/rank4"));
      await page.getByRole("button", { name: /^rank 1/ }).click();
      await drawn(page, "time/step_s", 2);
      await page.getByRole("button", { name: "Show all 6" }).click();
      await page.getByRole("radio", { name: "Heatmap" }).click();
      const { rows, cells } = await heatmap(page, "time/step_s");
      assert.equal(rows.length, 6);
      assert.equal(cells % 6, 0);
      const again = await world.open(new URL(page.url()).pathname + new URL(page.url()).search);
      assert.equal((await heatmap(again, "train/loss")).rows.length, 6);
    },
  ],

  [
    "what ranks printed is one stream by time, and a requeued rank has two attempts",
    async (world) => {
      const page = await world.open(`${JOB}?show=logs`);
      const lines = page.locator(".process-lines li");
      await lines.first().waitFor();
      const texts = await lines.allInnerTexts();
      // Four lines of each, three of rank 2, which died, and one more of rank 0, which began again at step 60.
      assert.equal(texts.length, 4 * 6);
      assert.ok(
        texts.every((text) => /rank \d\s+step \d+: all well <b>\d<\/b>/.test(text)),
        texts[0],
      );
      await page.getByRole("searchbox", { name: "Search what was printed" }).fill("step 150");
      await page.waitForFunction(() => document.querySelectorAll(".process-lines li").length === 6);
      await page.getByRole("radio", { name: "Attempts" }).click();
      const rows = page.locator(".attempts tbody tr");
      assert.equal(await rows.count(), 7);
      const first = await rows.filter({ hasText: "rank 0" }).allInnerTexts();
      assert.match(first[0], /0 … 69.*preempted/s);
      assert.match(first[1], /resumed.*60 … 199, its own from 60.*10 steps.*finished/s);
    },
  ],

  [
    "a group's runs are the processes of one job, reached from the table",
    async (world) => {
      const page = await world.open(`/acme/ranks/runs?group=${encodeURIComponent('["group"]')}`);
      await page.getByRole("link", { name: "Processes of sharded" }).click();
      await page.waitForURL(`**${GROUP}`);
      await drawn(page, "train/loss", 1);
      assert.match(await page.locator(".page-head").textContent(), /4 processes/);
      await page.getByRole("radio", { name: "Each rank" }).click();
      assert.equal((await drawn(page, "train/loss", 4)).ids.length, 4);
      assert.equal(await page.getByRole("region", { name: "What stands out" }).count(), 0);
    },
  ],

  [
    "a workspace chart shows a run's ranks as a band where it is told so",
    async (world) => {
      const page = await world.open(`/acme/ranks?${ONLY}`);
      await drawn(page, "train/loss", 1);
      const before = (await chart(page, "train/loss")).yDomain;
      await page.goto(
        new URL(`/acme/ranks?${ONLY}&set=${encodeURIComponent('{"ranks":"band"}')}`, page.url()).href,
      );
      await drawn(page, "train/loss", 1);
      await page.waitForFunction(
        (former) =>
          window.__treering
            .charts()
            .find(({ key }) => key === "train/loss")
            .yDomain.join() !== former,
        before.join(),
      );
    },
  ],

  ...["light", "dark"].map((colorScheme) => [
    `axe finds nothing on the processes of a job in ${colorScheme}`,
    async (world) => {
      for (const search of ["", "?form=heatmap", "?show=logs", "?show=attempts"]) {
        const page = await world.open(JOB + search, { colorScheme });
        await page.locator(".findings").waitFor();
        await page.waitForTimeout(600);
        assert.deepEqual(await axe(page), [], search);
        await page.close();
      }
    },
  ]),

  [
    "the processes of a job fit a phone",
    async (world) => {
      const page = await world.open(JOB, { width: 390, height: 844, hasTouch: true });
      await page.locator(".findings").waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
      assert.deepEqual(await axe(page), []);
    },
  ],
];
