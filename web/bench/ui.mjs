// Time to the first paint and to follow the pointer: 16 charts × 50 runs × 1,000 points.
// Chromium draws in software here, the worst case the page must survive.
//
//   npm run build && npm run bench                 over generated data (test/mock)
//   npm run bench -- 'http://…/#t=…' /acme/project over a real server
//
// Prints one JSON line; exits 1 over a limit.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { launch } from "../test/browser.mjs";

const CHARTS = 16;
const RUNS = 50;
const POINTS = 1000;
const FIRST_PAINT_LIMIT_MS = 500;
const HOVER_LIMIT_MS = 60;

const [url, path = "/acme/vit-pretrain"] = process.argv.slice(2);

/** The generated server, or nothing if there is a real one. */
async function startServer() {
  if (url) return { base: url, stop: () => undefined };
  const server = join(import.meta.dirname, "../test/mock/server.mjs");
  const child = spawn(process.execPath, [server, "0", String(RUNS), String(POINTS), String(CHARTS)]);
  const base = await new Promise((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data).trim()));
    child.once("exit", (code) => reject(new Error(`the mock server ended with code ${code}`)));
  });
  return { base, stop: () => child.kill() };
}

const quantile = (values, q) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];

/** In the page: waits until every chart shows its points; gives times since navigation. */
function waitForPaint(charts) {
  return new Promise((resolve) => {
    const look = () => {
      const ready =
        window.__treering?.charts().filter((chart) => chart.painted && chart.ids.length > 0) ?? [];
      if (ready.length < charts) return requestAnimationFrame(look);
      requestAnimationFrame(() => {
        const series = performance
          .getEntriesByType("resource")
          .filter((entry) => entry.name.includes("/api/1/series"));
        const arrived = Math.max(...series.map((entry) => entry.responseEnd));
        const asked = Math.min(...series.map((entry) => entry.startTime));
        const now = performance.now();
        resolve({
          open_ms: now,
          series_ms: arrived - asked,
          first_paint_ms: now - arrived,
          requests: series.length,
          lines: ready[0].ids.length,
          drawn: ready[0].drawn,
        });
      });
    };
    look();
  });
}

/** In the page: collects the time between frames until told to stop. */
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

const server = await startServer();
const browser = await launch();
let failed = false;
try {
  // 4 × 4 charts in one screen.
  const page = await browser.newPage({ viewport: { width: 1700, height: 1280 } });
  await page.goto(server.base);
  await page.waitForSelector(".cards");
  await page.goto(new URL(path, server.base).href);
  const paint = await page.evaluate(waitForPaint, CHARTS);

  const chart = await page.locator(".chart").nth(5).boundingBox();
  await page.evaluate(watchFrames);
  for (let i = 0; i < 120; i++) {
    const x = chart.x + 60 + ((chart.width - 90) * i) / 120;
    await page.mouse.move(x, chart.y + 40 + 60 * Math.abs(Math.sin(i / 9)));
  }
  const hover = await page.evaluate(takeFrames);

  const rows = page.locator(".run");
  await page.evaluate(watchFrames);
  for (let i = 0; i < 20; i++) await rows.nth(i).hover();
  const highlight = await page.evaluate(takeFrames);

  await page.evaluate(watchFrames);
  for (let i = 0; i < 5; i++) await page.locator(".run .eye").nth(i).click();
  const toggle = await page.evaluate(takeFrames);

  const result = {
    bench: "ui",
    charts: CHARTS,
    runs: paint.lines,
    points: POINTS,
    drawn_per_chart: paint.drawn,
    series_requests: paint.requests,
    open_ms: Math.round(paint.open_ms),
    series_ms: Math.round(paint.series_ms),
    first_paint_ms: Math.round(paint.first_paint_ms),
    hover_p50_ms: Math.round(quantile(hover, 0.5)),
    hover_p95_ms: Math.round(quantile(hover, 0.95)),
    highlight_p95_ms: Math.round(quantile(highlight, 0.95)),
    toggle_p95_ms: Math.round(quantile(toggle, 0.95)),
    limits: { first_paint_ms: FIRST_PAINT_LIMIT_MS, hover_p95_ms: HOVER_LIMIT_MS },
  };
  console.log(JSON.stringify(result));
  failed = result.first_paint_ms > FIRST_PAINT_LIMIT_MS || result.hover_p95_ms > HOVER_LIMIT_MS;
} finally {
  await browser.close();
  server.stop();
}
process.exit(failed ? 1 : 0);
