// Facts about a server with accounts, seen by people in real browsers. One server and one folder for all, in order.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { axe } from "./axe.mjs";
import { firstLine, PYTHON, ROOT, SOURCE } from "./world.mjs";

const PASSWORD = "correct horse battery";

/** The server, and who has entered it. Made by the first test that needs it. */
let team = null;

async function theTeam(world) {
  if (team) return team;
  const folder = mkdtempSync(join(tmpdir(), "treering-team-"));
  execFileSync(PYTHON, [join(import.meta.dirname, "team.py"), folder], { env: SOURCE, stdio: "inherit" });
  const server = spawn(PYTHON, ["-m", "treering.cli", "serve", "--data", folder, "--port", "0", "--json"], {
    cwd: ROOT,
    env: SOURCE,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { url, setup } = JSON.parse(await firstLine(server));
  team = { folder, server, url, setup, people: {} };
  world.atEnd(async () => {
    server.kill();
    await new Promise((resolve) => server.once("exit", resolve));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return team;
}

async function open(world, path, { who = null, ...options } = {}) {
  const { url, people } = await theTeam(world);
  const context = await world.browser.newContext({
    viewport: { width: 1280, height: 800 },
    ...(who ? { storageState: people[who] } : {}),
    ...options,
  });
  const page = await context.newPage();
  world.watch(page);
  await page.goto(new URL(path, url).href);
  return page;
}

async function choosePassword(page, password = PASSWORD) {
  await page.locator("input[type=password]").first().waitFor();
  for (const field of await page.locator("input[type=password]").all()) await field.fill(password);
  await page.locator("button[type=submit]").click();
}

async function remember(who, page) {
  team.people[who] = await page.context().storageState();
}

export const tests = [
  [
    "the set-up link makes the first account, once",
    async (world) => {
      const { setup } = await theTeam(world);
      const page = await open(world, setup);
      await page.getByLabel("Name").fill("ada");
      await choosePassword(page);
      await page.locator(".card", { hasText: "vit" }).waitFor();
      assert.equal(new URL(page.url()).hash, "");
      await remember("ada", page);
      const again = await open(world, setup);
      await again.getByLabel("Name").fill("mallory");
      await choosePassword(again);
      await again.getByRole("alert").filter({ hasText: "used before" }).waitFor();
    },
  ],

  [
    "an invitation lets somebody choose a password, and shows them only what they may see",
    async (world) => {
      const page = await open(world, "/settings/people", { who: "ada" });
      await page.getByRole("button", { name: "Invite" }).click();
      await page.getByLabel("Name, as they will sign in").fill("grace");
      await page.getByRole("button", { name: "Make a link" }).click();
      const link = await page.getByLabel("Invitation").inputValue();
      const guest = await open(world, link);
      await choosePassword(guest, "another long password");
      await guest.getByText("No runs yet").waitFor();
      assert.equal(await guest.locator(".card").count(), 0);
      await remember("grace", guest);
      assert.deepEqual(await axe(guest), []);
    },
  ],

  [
    "a person signs in, and a wrong password says no more than that",
    async (world) => {
      const page = await open(world, "/acme/vit");
      await page.getByLabel("Name").fill("ada");
      await choosePassword(page, "not the password");
      await page.getByRole("alert").filter({ hasText: "name or the password is wrong" }).waitFor();
      assert.deepEqual(await axe(page), []);
      await page.getByLabel("Password").fill(PASSWORD);
      await page.locator("button[type=submit]").click();
      await page.locator('[data-panel="train/loss"]').waitFor();
      assert.equal(new URL(page.url()).pathname, "/acme/vit");
    },
  ],

  [
    "a member is added to a project and sees it",
    async (world) => {
      const page = await open(world, "/acme/vit", { who: "ada" });
      await page.getByRole("button", { name: "Share" }).click();
      await page.getByLabel("Name of a person").fill("grace");
      await page.getByRole("button", { name: "Add" }).click();
      await page.getByLabel("What grace may do").waitFor();
      assert.deepEqual(await axe(page), []);
      // A new role ends the sessions of the one who got it.
      const guest = await open(world, "/", {});
      await guest.getByLabel("Name").fill("grace");
      await choosePassword(guest, "another long password");
      await guest.locator(".card", { hasText: "vit" }).waitFor();
      await remember("grace", guest);
    },
  ],

  [
    "a key is shown once, works, and ends when it is revoked",
    async (world) => {
      const { url } = await theTeam(world);
      const page = await open(world, "/settings/keys", { who: "ada" });
      await page.getByRole("button", { name: "New key" }).click();
      await page.getByLabel("What is it for?").fill("laptop");
      await page.getByRole("button", { name: "Make the key" }).click();
      const key = await page.getByRole("textbox", { name: "API key" }).inputValue();
      assert.match(key, /^trk_[0-9A-Za-z]{8}_[0-9A-Za-z]{40,}$/);
      const ask = async () =>
        (await fetch(new URL("api/1/projects", url), { headers: { Authorization: `Bearer ${key}` } })).status;
      assert.equal(await ask(), 200);
      await page.getByRole("button", { name: "Done" }).click();
      assert.ok(!(await page.content()).includes(key));
      assert.deepEqual(await axe(page), []);
      await page.getByRole("button", { name: "Revoke" }).click();
      await page.getByRole("button", { name: "Revoke now" }).click();
      await page.getByText("No keys yet").waitFor();
      assert.equal(await ask(), 401);
    },
  ],

  [
    "a share link shows one run to somebody without an account, until it is ended",
    async (world) => {
      const page = await open(world, "/acme/vit/runs/whole/overview", { who: "ada" });
      await page.getByRole("button", { name: "Share" }).click();
      await page.getByRole("button", { name: "Make a link" }).click();
      const link = await page.getByLabel("Share link").inputValue();
      const stranger = await open(world, link);
      await stranger.getByRole("heading", { name: "amber-heron" }).waitFor();
      assert.equal(await stranger.getByRole("button", { name: "Share" }).count(), 0);
      assert.equal(await stranger.getByRole("button", { name: "Rename" }).count(), 0);
      await stranger.getByRole("link", { name: "Charts" }).click();
      await stranger.locator('[data-panel="train/loss"]').waitFor();
      // What it logged is bytes behind the same link, also in the frame that has no session at all.
      await stranger.getByRole("link", { name: "Media" }).click();
      const image = stranger.locator('[data-panel="media/image"] img');
      await image.waitFor();
      assert.equal(await image.evaluate((node) => node.decode().then(() => node.naturalWidth)), 8);
      const framed = stranger.frameLocator('[data-panel="media/page"] iframe');
      await framed.getByRole("heading", { name: "shared" }).waitFor();
      for (const tab of ["Logs", "Code", "Files"]) {
        await stranger.getByRole("link", { name: tab }).click();
        await stranger.locator(".run-tabs [aria-current]", { hasText: tab }).waitFor();
        assert.equal(await stranger.getByRole("alert").count(), 0, tab);
      }
      const links = await open(world, "/settings/links", { who: "ada" });
      await links.getByRole("button", { name: "End" }).click();
      await links.getByText("Nothing is shared by link").waitFor();
      await stranger.reload();
      await stranger.getByRole("heading", { name: "Sign in" }).waitFor();
    },
  ],

  [
    "the storage page says what is held and names what a run lacks",
    async (world) => {
      const page = await open(world, "/settings/storage", { who: "ada" });
      const lacking = page.getByRole("region", { name: "Runs that are not whole" });
      await lacking.getByText("verdant-wolf").waitFor();
      assert.match(
        await lacking.textContent(),
        /Gap 17 records: 17 records were lost where it ran: disk full/,
      );
      assert.match(await page.getByRole("region", { name: "Projects" }).textContent(), /acme\/vit2/);
      assert.deepEqual(await axe(page), []);
      const phone = await open(world, "/settings/storage", {
        who: "ada",
        viewport: { width: 390, height: 800 },
      });
      await phone.getByText("verdant-wolf").waitFor();
      assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    },
  ],

  [
    "signing out everywhere ends the other browsers",
    async (world) => {
      const one = await open(world, "/settings/account", { who: "grace" });
      const other = await open(world, "/");
      await other.getByLabel("Name").fill("grace");
      await choosePassword(other, "another long password");
      await other.locator(".card").waitFor();
      await one.reload();
      const row = one.locator("li", { hasNotText: "This browser" }).filter({ hasText: "last used" });
      await row.first().getByRole("button", { name: "Sign out" }).click();
      await other.reload();
      await other.getByRole("heading", { name: "Sign in" }).waitFor();
      assert.deepEqual(await axe(one), []);
    },
  ],

  [
    "the trail tells who did what",
    async (world) => {
      const page = await open(world, "/settings/activity", { who: "ada" });
      await page.getByRole("cell", { name: "user.setup" }).waitFor();
      const guest = await open(world, "/settings/activity", { who: "grace" });
      await guest.getByText("for those who run the server").waitFor();
    },
  ],
];
