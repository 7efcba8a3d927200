// The world of the browser tests: a seeded data folder, the real server over it, and a browser.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { launch } from "../browser.mjs";

export const ROOT = join(import.meta.dirname, "../../..");
const VENV = join(ROOT, ".venv/bin/python");
/** The environment in which this checkout's Python package is found. */
export const SOURCE = { ...process.env, PYTHONPATH: join(ROOT, "src") };
export const PYTHON = process.env.PYTHON ?? (existsSync(VENV) ? VENV : "python3");

/** Makes everything; `close` takes it down again. With a *url* the server is someone else's. */
export async function createWorld(
  url,
  seeds = ["seed.py", "rich.py", "compare.py", "ranks.py", "artifacts.py"],
) {
  const folder = process.env.TREERING_DATA ?? mkdtempSync(join(tmpdir(), "treering-e2e-"));
  const own = !url;
  let server = null;
  if (own) {
    for (const seed of seeds) {
      execFileSync(PYTHON, [join(import.meta.dirname, seed), folder], {
        stdio: ["ignore", "ignore", "inherit"], // what the runs print is theirs
        env: SOURCE,
      });
    }
    server = spawn(
      PYTHON,
      ["-m", "treering.cli", "ui", "--data", folder, "--port", "0", "--json", "--no-browser"],
      {
        cwd: ROOT,
        env: SOURCE,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    url = JSON.parse(await firstLine(server)).url;
  }
  const browser = await launch();
  const world = new World(new URL(url), folder, browser);
  await world.openSession();
  return {
    world,
    async close() {
      for (const undo of world.undo.reverse()) await undo();
      await browser.close();
      if (server) {
        // The server writes its index on the way out; its folder must outlive it.
        server.kill();
        await new Promise((resolve) => server.once("exit", resolve));
      }
      if (own && !process.env.TREERING_DATA) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

class World {
  /** Everything the browser complained about, on any page. Must stay empty. */
  complaints = [];
  session = null;
  /** What tests have asked to be undone when all are through. */
  undo = [];

  constructor(url, folder, browser) {
    this.url = url;
    this.folder = folder;
    this.browser = browser;
  }

  /** Exchanges the one-time code once; all pages share the session it gave. */
  async openSession() {
    const context = await this.browser.newContext();
    const page = await context.newPage();
    await page.goto(this.url.href);
    await page.waitForSelector(".cards");
    this.addressAfterLogin = page.url();
    this.session = await context.storageState();
    await context.close();
  }

  /** A fresh browser profile with the session, opened at *path*. */
  async open(path, { width = 1500, height = 950, colorScheme = "light", session = true, ...options } = {}) {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme,
      ...(session ? { storageState: this.session } : {}),
      ...options,
    });
    const page = await context.newPage();
    this.watch(page);
    await page.goto(new URL(path, this.url).href);
    return page;
  }

  atEnd(undo) {
    this.undo.push(undo);
  }

  watch(page) {
    page.on("pageerror", (error) => {
      // Logged SVG that reaches for the page from its frame, and is stopped there.
      if (/Blocked a frame with origin "null"/.test(error.message)) return;
      this.complaints.push(`${page.url()}: ${error.message}`);
    });
    page.on("dialog", (dialog) => {
      this.complaints.push(`${page.url()}: dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      // What a logged page tries in its frame, and fails, is its own doing: only frames have this policy.
      if (/directive: "default-src 'none'"|^Fetch API cannot load/.test(message.text())) return;
      // Software drawing is slow, tests read pixels back, and the browser says so.
      if (/GL Driver Message|willReadFrequently/.test(message.text())) return;
      // A refused filter, a wrong password, an ended session, a conflict are a test's own doing.
      if (/status of 40[01349]/.test(message.text())) return;
      this.complaints.push(`${page.url()}: ${message.text()}`);
    });
  }

  /** A process that logs one point each time `point()` is called. */
  async startRun(id, script = "live.py") {
    const child = spawn(PYTHON, [join(import.meta.dirname, script), this.folder, id], {
      env: SOURCE,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    return {
      /** Logs; returns the step and when (ms). */
      async point() {
        child.stdin.write("\n");
        const [step, at] = (await lines.next()).value.split(" ");
        return { step: Number(step), at: Number(at) * 1000 };
      },
      async finish() {
        child.stdin.end();
        await new Promise((resolve) => child.once("exit", resolve));
      },
    };
  }
}

export function firstLine(child) {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)));
  });
}
