// A real server's workspace under load: how soon the first screen of a large dashboard is there, and how a chart of very
// many runs follows the pointer. Chromium draws in software here, the worst case the page must survive.
//
//   node bench/workspace.mjs 'http://…/#t=…' DASHBOARD_PATH MANY_RUNS_PATH
//
// Prints one JSON line per scene; exits 1 over a limit.

import { launch } from "../test/browser.mjs";

const FIRST_SCREEN_LIMIT_MS = 2_000;
const HIGHLIGHT_LIMIT_MS = 80;
/** Lines that the charts of the second scene have in the end. */
const RUNS = 1_000;
/** What one measure says is noise; the middle of several is not. */
const ROUNDS = 5;

const [url, dashboard, many] = process.argv.slice(2);

const quantile = (values, q) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];

/** In the page: time since navigation until every chart within the window shows its points. */
function firstScreen() {
  return new Promise((resolve) => {
    const look = () => {
      const places = [...document.querySelectorAll(".sections [data-panel]")].filter((node) => {
        const { top, bottom } = node.getBoundingClientRect();
        return bottom > 0 && top < innerHeight;
      });
      const reports = new Map((window.__treering?.charts() ?? []).map((report) => [report.key, report]));
      const done = places.filter((node) => {
        const report = reports.get(node.dataset.panel);
        return report?.painted && report.ids.length > 0;
      });
      if (places.length === 0 || done.length < places.length) return requestAnimationFrame(look);
      requestAnimationFrame(() => {
        const series = performance
          .getEntriesByType("resource")
          .filter((entry) => entry.name.includes("/api/1/series"));
        const [first] = reports.values();
        resolve({
          first_screen_ms: performance.now(),
          charts: places.length,
          panels: document.querySelectorAll(".sections [data-panel]").length,
          lines: first.ids.length,
          series_requests: series.length,
          series_ms: Math.max(...series.map((entry) => entry.duration)),
        });
      });
    };
    look();
  });
}

function watchFrames() {
  window.__frames = [];
  let previous = performance.now();
  const frame = (now) => {
    window.__frames.push(now - previous);
    previous = now;
    window.__raf = requestAnimationFrame(frame);
  };
  window.__raf = requestAnimationFrame(frame);
}

function takeFrames() {
  cancelAnimationFrame(window.__raf);
  return window.__frames.slice(1);
}

function rounded(result) {
  return Object.fromEntries(
    Object.entries(result).map(([name, value]) => [
      name,
      typeof value === "number" ? Math.round(value) : value,
    ]),
  );
}

/** Opens a workspace a few times; the middle first screen. */
async function openScene(context, path) {
  const screens = [];
  let page;
  for (let round = 0; round < ROUNDS; round++) {
    await page?.close();
    page = await context.newPage();
    await page.goto(new URL(path, url).href);
    screens.push(await page.evaluate(firstScreen));
  }
  screens.sort((a, b) => a.first_screen_ms - b.first_screen_ms);
  return { page, screen: screens[ROUNDS >> 1] };
}

const browser = await launch();
let failed = false;
try {
  const context = await browser.newContext({ viewport: { width: 1500, height: 950 } });
  const entrance = await context.newPage();
  await entrance.goto(url);
  await entrance.waitForSelector(".cards");
  await entrance.close();

  const opened = await openScene(context, dashboard);
  console.log(
    JSON.stringify({ bench: "dashboard", ...rounded(opened.screen), limit_ms: FIRST_SCREEN_LIMIT_MS }),
  );
  failed ||= opened.screen.first_screen_ms > FIRST_SCREEN_LIMIT_MS;
  await opened.page.close();

  const { page, screen } = await openScene(context, many);
  // The list comes in pages; what is measured is the chart with all of them.
  await page.waitForFunction((runs) => window.__treering.charts()[0].ids.length >= runs, RUNS);
  await page.waitForTimeout(500);
  screen.lines = await page.evaluate(() => window.__treering.charts()[0].ids.length);
  const plot = await page.locator(".chart").first().boundingBox();
  await page.evaluate(watchFrames);
  for (let i = 0; i < 120; i++) {
    const x = plot.x + 60 + ((plot.width - 90) * i) / 120;
    await page.mouse.move(x, plot.y + 40 + 60 * Math.abs(Math.sin(i / 9)));
  }
  const hover = await page.evaluate(takeFrames);
  await page.evaluate(watchFrames);
  for (let i = 0; i < 20; i++) await page.locator(".run").nth(i).hover();
  const highlight = await page.evaluate(takeFrames);
  const result = {
    bench: "many_runs",
    ...screen,
    hover_p50_ms: quantile(hover, 0.5),
    hover_p95_ms: quantile(hover, 0.95),
    highlight_p50_ms: quantile(highlight, 0.5),
    highlight_p95_ms: quantile(highlight, 0.95),
    limit_ms: HIGHLIGHT_LIMIT_MS,
  };
  console.log(JSON.stringify(rounded(result)));
  failed ||= result.highlight_p95_ms > HIGHLIGHT_LIMIT_MS;
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);
