// Facts about media, logs, code and files in a real browser. What is expected is made by rich.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { axe } from "./axe.mjs";

const WORKSPACE = "/acme/rich";
const RUN = "/acme/rich/runs/rich0";
const HOSTILE = "<img src=x onerror=alert(1)>";

const panel = (page, key) => page.locator(`[data-panel="${key}"]`);
const only = (key) => `${WORKSPACE}?q=${encodeURIComponent(`^${key}$`)}`;

/** Colours of the left and the right half of an image element, as the browser decoded it. */
function halves(image) {
  return image.evaluate(async (element) => {
    await element.decode();
    const canvas = document.createElement("canvas");
    canvas.width = element.naturalWidth;
    canvas.height = element.naturalHeight;
    const g = canvas.getContext("2d");
    g.drawImage(element, 0, 0);
    const at = (x) => [...g.getImageData(x, 5, 1, 1).data.slice(0, 3)];
    return [at(3), at(canvas.width - 3)];
  });
}

/** What rich.py paints. */
const painted = (run, step) => {
  const grey = 40 + 30 * run + 10 * step;
  return [
    [grey, grey, grey],
    [200, 40 * run, 50 * step],
  ];
};

/** Different colours on a canvas; a blank one has one. */
function colorsOf(canvas) {
  return canvas.evaluate((node) => {
    const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
    const found = new Set();
    for (let i = 0; i < data.length; i += 4) found.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return found.size;
  });
}

function shownStep(page, key) {
  return panel(page, key).locator(".step-now").getAttribute("data-step");
}

async function openFull(world, key, options) {
  const page = await world.open(`${WORKSPACE}?panel=${encodeURIComponent(key)}`, options);
  await page.locator(".dialog-full .media-body").waitFor();
  return page;
}

export const tests = [
  [
    "an image panel shows the last image of each run, pixel by pixel, and says of which step it is",
    async (world) => {
      const page = await world.open(only("media/image"));
      const tiles = panel(page, "media/image").locator(".tile");
      await tiles.nth(2).locator("img").waitFor();
      assert.equal(await shownStep(page, "media/image"), "300");
      const found = {};
      for (const tile of await tiles.all()) {
        const name = await tile.locator("b").textContent();
        found[name] = [await tile.getAttribute("data-step"), await halves(tile.locator("img"))];
      }
      assert.deepEqual(found, {
        "amber-heron-1": ["300", painted(0, 3)],
        "quiet-otter-2": ["200", painted(1, 2)],
        "brisk-marten-3": ["300", painted(2, 3)],
      });
      // Where a run's last step is an earlier one, its tile says so.
      assert.match(await tiles.filter({ hasText: "quiet-otter" }).textContent(), /step 200/);
    },
  ],

  [
    "one slider moves all panels until they are unlinked, and a copied link restores the step",
    async (world) => {
      const page = await world.open(`${WORKSPACE}?q=media%2F(image%7Cseveral)`);
      const slider = page.getByRole("slider", { name: "Step of media/image" });
      await panel(page, "media/image").locator("img").first().waitFor();
      await slider.focus();
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("ArrowLeft");
      await page.waitForSelector('[data-panel="media/image"] .tile[data-step="100"] img');
      assert.equal(await shownStep(page, "media/several"), "100");
      await page.waitForFunction(() => new URLSearchParams(location.search).get("step") === "100");
      const again = await world.open(page.url().slice(world.url.origin.length));
      const tile = panel(again, "media/image").locator(".tile[data-step='100']").first();
      assert.deepEqual(await halves(tile.locator("img")), painted(0, 1));
      await panel(again, "media/image").locator(".step-link").click();
      await again.getByRole("slider", { name: "Step of media/image" }).focus();
      await again.keyboard.press("Home");
      await again.waitForSelector('[data-panel="media/image"] .tile[data-step="0"]');
      assert.equal(await shownStep(again, "media/several"), "300");
    },
  ],

  [
    "arrows on a panel walk through its steps, and playing does so by itself",
    async (world) => {
      const page = await world.open(only("media/image"));
      await panel(page, "media/image").locator("img").first().waitFor();
      await panel(page, "media/image").locator(".media-body").focus();
      await page.keyboard.press("ArrowLeft");
      await page.waitForSelector('[data-panel="media/image"] .step-now[data-step="200"]');
      await panel(page, "media/image").getByRole("button", { name: "Play the steps" }).click();
      await page.waitForSelector('[data-panel="media/image"] .step-now[data-step="300"]');
      await page.waitForSelector('[data-panel="media/image"] .step-now[data-step="0"]');
    },
  ],

  [
    "media below the viewport are not fetched",
    async (world) => {
      const page = await world.open("/", { height: 500 });
      const asked = [];
      page.on("request", (request) => {
        if (request.url().endsWith("/media")) asked.push(...request.postDataJSON().keys);
      });
      await page.goto(new URL(WORKSPACE, world.url).href);
      await panel(page, "charts/bar").locator("canvas").first().waitFor();
      await page.waitForTimeout(500);
      assert.ok(asked.includes("charts/bar"));
      assert.ok(!asked.includes("weights/layer1") && !asked.includes("media/video"), asked.join());
    },
  ],

  [
    "every kind of media is drawn",
    async (world) => {
      const page = await world.open(`${RUN}/media`, { height: 6000 });
      const drawn = async (key) => {
        const canvas = panel(page, key).locator("canvas").first();
        await canvas.waitFor();
        await page.waitForTimeout(150);
        return colorsOf(canvas);
      };
      await panel(page, "charts/plotly").locator("iframe[data-drawn='1']").waitFor({ timeout: 20_000 });
      await panel(page, "charts/vega").locator("iframe[data-drawn='1']").waitFor({ timeout: 20_000 });
      for (const key of ["charts/bar", "charts/confusion", "charts/pr", "charts/roc", "charts/scatter"]) {
        assert.ok((await drawn(key)) > 3, key);
      }
      assert.ok((await drawn("weights/layer1")) > 8);
      assert.ok((await drawn("media/audio")) > 1);
      assert.match(await panel(page, "media/audio").textContent(), /0:00\.0 \/ 0:01\.0/);
      assert.match(await panel(page, "media/audio").textContent(), /wav · 8 kHz · mono/);
      const facts = async (key, colors = 6) => {
        const canvas = panel(page, key).locator("canvas[data-facts]");
        await canvas.waitFor({ timeout: 20_000 });
        await page.waitForTimeout(200);
        assert.ok((await colorsOf(canvas)) >= colors, `${key} is blank`);
        return JSON.parse(await canvas.getAttribute("data-facts"));
      };
      assert.deepEqual(await facts("media/cloud"), { points: 1500, boxes: 1, meshes: 0, atoms: 0 });
      assert.deepEqual(await facts("media/molecule"), { points: 0, boxes: 0, meshes: 0, atoms: 3 });
      const triangle = { points: 0, boxes: 0, meshes: 1, atoms: 0 };
      for (const format of ["obj", "stl", "gltf", "glb"]) {
        // A plane under one light has one colour; the GLB and the glTF wear a picture of two.
        const colors = format === "obj" || format === "stl" ? 2 : 3;
        assert.deepEqual(await facts(`solid/${format}`, colors), triangle, format);
      }
      assert.match(await panel(page, "charts/confusion").textContent(), /of 300 on the diagonal/);
      assert.equal(await panel(page, "text/answer").locator(".text-value").textContent(), "answer of step 3");
    },
  ],

  [
    "films and recordings play: their pixels, their length, and that time goes on",
    async (world) => {
      const page = await world.open(
        `${RUN}/media?q=${encodeURIComponent("^(film/|media/audio|media/video)")}`,
        {
          height: 3000,
        },
      );
      const colorAt = (key, seconds) =>
        panel(page, key)
          .locator("video")
          .evaluate(async (film, to) => {
            film.pause();
            if (film.readyState === 0)
              await new Promise((done) => film.addEventListener("loadedmetadata", done));
            const sought = new Promise((done) => film.addEventListener("seeked", done, { once: true }));
            film.currentTime = to;
            await sought;
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [film.videoWidth, film.videoHeight];
            const g = canvas.getContext("2d");
            g.drawImage(film, 0, 0);
            const [red, green, blue] = g.getImageData(32, 24, 1, 1).data;
            const most = Math.max(red, green, blue);
            return [most === red ? "red" : most === green ? "green" : "blue", film.duration, canvas.width];
          }, seconds);
      const mp4 = await page.evaluate(() =>
        document.createElement("video").canPlayType('video/mp4; codecs="avc1.42E01E"'),
      );
      const films = ["film/vp9", "film/vp8", ...(mp4 ? ["film/h264"] : [])];
      for (const key of films) {
        await panel(page, key).locator("video").waitFor();
        for (const [seconds, color] of [
          [0.5, "red"],
          [1.5, "green"],
          [2.5, "blue"],
        ]) {
          const [seen, length, width] = await colorAt(key, seconds);
          assert.deepEqual([seen, width], [color, 64], `${key} at ${seconds} s`);
          assert.ok(Math.abs(length - 3) < 0.3, `${key} lasts ${length} s`);
        }
        await colorAt(key, 0.1);
        await panel(page, key).getByRole("button", { name: "Play" }).click();
        await page.waitForFunction(
          (name) => document.querySelector(`[data-panel="${name}"] video`).currentTime > 0.6,
          key,
        );
        await panel(page, key).getByRole("button", { name: "Pause" }).click();
      }
      // What no browser plays, and H.264 where this one has no decoder for it, says so and can be taken elsewhere.
      for (const key of ["film/old", ...(mp4 ? [] : ["film/h264"])]) {
        await panel(page, key).getByText("This browser cannot play this mp4 file").waitFor();
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          panel(page, key).getByRole("link", { name: "Download" }).click(),
        ]);
        const made = readFileSync(new URL(`films/${key.slice(5)}.mp4`, import.meta.url));
        assert.ok(readFileSync(await download.path()).equals(made));
        assert.match(download.suggestedFilename(), /\.mp4$/);
      }
      const sound = panel(page, "media/audio").locator("audio");
      assert.ok(Math.abs((await sound.evaluate((one) => one.duration)) - 1) < 0.05);
      await panel(page, "media/audio")
        .getByRole("button", { name: /^Play media/ })
        .click();
      await page.waitForFunction(
        () => document.querySelector('[data-panel="media/audio"] audio').currentTime > 0.3,
      );
      await page.waitForFunction(() => document.querySelector('[data-panel="media/audio"] audio').ended);
      const gif = panel(page, "media/video").locator("canvas");
      const before = await gif.getAttribute("data-frame");
      await page.waitForFunction(
        (former) => document.querySelector('[data-panel="media/video"] canvas').dataset.frame !== former,
        before,
      );
    },
  ],

  [
    "plots of several runs stand in one frame, in the colours of the runs, until one wants them side by side",
    async (world) => {
      const page = await world.open(
        `${WORKSPACE}?q=${encodeURIComponent("^charts/(pr|bar|confusion|plotly)$")}`,
        {
          height: 1800,
        },
      );
      const curves = panel(page, "charts/pr");
      await curves.locator(".plot[data-together='3'] canvas").waitFor();
      assert.equal(await curves.locator("canvas.plot-canvas, .plot-canvas canvas").count(), 1);
      const names = await curves.locator(".legend li").allTextContents();
      assert.equal(names.length, 9, "three classes of three runs");
      assert.ok(
        names.some((name) => /amber-heron-1.* · dog/.test(name)),
        names.join(),
      );
      const swatches = await curves
        .locator(".legend li")
        .evaluateAll((items) =>
          items.map(
            (item) => item.querySelector("[style], svg, i, span")?.outerHTML.match(/#\w+|rgb[^)]*\)/)?.[0],
          ),
        );
      assert.equal(new Set(swatches).size, 3, `a colour for each run: ${swatches.join()}`);
      await panel(page, "charts/bar").locator(".plot[data-together='3']").waitFor();
      const canvas = panel(page, "charts/bar").locator("canvas").first();
      await page.waitForTimeout(150);
      assert.ok((await colorsOf(canvas)) > 3);
      assert.equal(await panel(page, "charts/confusion").locator(".tile[data-run]").count(), 3);
      await panel(page, "charts/plotly").locator(".tile[data-run]").nth(2).waitFor();
      await curves.getByRole("button", { name: /^Options of/ }).click();
      await page.getByRole("menuitemcheckbox", { name: "Runs in one frame" }).click();
      await curves.locator(".tile[data-run]").nth(2).waitFor();
      assert.equal(await curves.locator(".plot[data-together]").count(), 0);
    },
  ],

  [
    "formulas in notes are drawn, prices are not, and a wrong one does nothing",
    async (world) => {
      const page = await world.open(`${RUN}/overview`);
      const notes = page.getByRole("region", { name: "Notes" });
      await notes.locator("math").nth(2).waitFor({ state: "attached" });
      assert.equal(await notes.locator("math").count(), 3);
      assert.match(await notes.textContent(), /costs \$5 and \$6 an hour/);
      assert.equal(await notes.locator(".formula a").count(), 0);
      const display = await notes.locator(".formula.display .katex-html").boundingBox();
      assert.ok(display.height > 40, "a fraction stands on several lines");
      await page.evaluate(() => document.fonts.ready);
      assert.ok(await page.evaluate(() => document.fonts.check("16px KaTeX_Math")), "its fonts are here");
      assert.deepEqual(await axe(page), []);
    },
  ],

  [
    "a film is walked frame by frame",
    async (world) => {
      const page = await world.open(`${RUN}/media?q=video`);
      const film = panel(page, "media/video");
      await film.locator("canvas").waitFor();
      await film.getByRole("button", { name: "Pause" }).click();
      await film.getByRole("slider", { name: "Frame" }).focus();
      await page.keyboard.press("Home");
      await film.getByRole("button", { name: "Next frame" }).click();
      await film.getByRole("button", { name: "Next frame" }).click();
      assert.match(await film.textContent(), /frame 3 of 6/);
      await page.waitForFunction(() => {
        const canvas = document.querySelector('[data-panel="media/video"] canvas');
        const [grey] = canvas.getContext("2d").getImageData(20, 16, 1, 1).data;
        return Math.abs(grey - (20 * 2 + 10 * 3)) <= 3; // a GIF has a palette
      });
    },
  ],

  [
    "logged HTML runs its own scripts but reaches neither the page, nor storage, nor the network",
    async (world) => {
      const page = await world.open(`${RUN}/media?q=html`);
      await panel(page, "media/html").locator("iframe").waitFor();
      const frame = page.frameLocator('[data-panel="media/html"] iframe');
      await frame.getByText("Report of step 3 by script").waitFor();
      assert.match(await frame.locator("body").textContent(), /reached nothing.*no network/s);
      assert.equal(
        await panel(page, "media/html").locator("iframe").getAttribute("sandbox"),
        "allow-scripts",
      );
      // Each step's page comes into a frame of its own, also the second time.
      await page.getByRole("slider", { name: "Step of media/html" }).focus();
      for (const [key, step] of [
        ["ArrowLeft", 2],
        ["ArrowRight", 3],
        ["ArrowLeft", 2],
      ]) {
        await page.keyboard.press(key);
        await frame.getByText(`Report of step ${step} by script`).waitFor();
      }
    },
  ],

  [
    "text that looks like HTML is shown as text",
    async (world) => {
      const page = await world.open(`${WORKSPACE}?q=text%7Cmarked&step=100`);
      await panel(page, "text/answer").getByText(`answer of step 1: ${HOSTILE}`).first().waitFor();
      const tile = panel(page, "media/marked").locator(".tile").first();
      await tile.locator("img").waitFor();
      assert.match(await tile.textContent(), /onerror/);
      assert.equal(await page.locator("img[src='x']").count(), 0);
    },
  ],

  [
    "classes of boxes and masks are switched, also by score",
    async (world) => {
      const page = await openFull(world, "media/marked");
      const overlay = page.locator(".dialog-full .tile canvas").first();
      await overlay.waitFor();
      await page.waitForTimeout(300);
      const all = await colorsOf(overlay);
      const boxes = page.locator("fieldset", { hasText: "predictionboxes" });
      await boxes.getByRole("button", { name: "person" }).click();
      await page.waitForTimeout(150);
      const fewer = await colorsOf(overlay);
      assert.ok(fewer < all, `${fewer} < ${all}`);
      for (const group of await page.locator("fieldset input").all()) await group.uncheck();
      await page.waitForTimeout(150);
      assert.equal(await colorsOf(overlay), 1);
      assert.deepEqual(await axe(page), []);
    },
  ],

  [
    "two images are compared: wiped, in turn, by their difference in numbers",
    async (world) => {
      const page = await openFull(world, "media/image");
      await page.getByRole("radio", { name: "Compare" }).click();
      await page.getByLabel("Step of A").selectOption("300");
      await page.getByLabel("Step of B").selectOption("200");
      await page.getByRole("radio", { name: "Difference" }).click();
      // Halves differ by (20, 20, 20) and by (0, 40, 50).
      const numbers = page.locator(".compare-numbers");
      await numbers.getByText("max 50 · mean 25.000 of 255 · 4,096 of 4,096 pixels differ").waitFor();
      await page.getByRole("radio", { name: "Wipe" }).click();
      const divider = page.getByRole("slider", { name: "Divider between A and B" });
      await divider.focus();
      const stage = page.locator(".picture-stage canvas");
      const center = () =>
        stage.evaluate((node) => {
          const at = (x) => [
            ...node
              .getContext("2d")
              .getImageData(x, node.height / 2, 1, 1)
              .data.slice(0, 3),
          ];
          return at(Math.round(node.width / 2 - 40));
        });
      assert.deepEqual(await center(), painted(0, 3)[0]);
      for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowLeft");
      await page.waitForTimeout(100);
      assert.deepEqual(await center(), painted(1, 2)[0]);
      await page.getByRole("radio", { name: "Side by side" }).click();
      assert.equal(await page.locator(".picture-stage").count(), 2);
      await page.getByRole("radio", { name: "Flicker" }).click();
      await page.locator(".flicker-mark", { hasText: "B" }).waitFor();
      await page.locator(".flicker-mark", { hasText: "A" }).waitFor();
      assert.deepEqual(await axe(page), []);
    },
  ],

  [
    "a prediction is compared with the truth",
    async (world) => {
      const page = await openFull(world, "media/marked");
      await page.getByRole("radio", { name: "Compare" }).click();
      await page.getByLabel("Layer of A").selectOption("mask:prediction");
      await page.getByLabel("Run of B").selectOption({ label: "amber-heron-1" });
      await page.getByLabel("Layer of B").selectOption("mask:truth");
      await page.getByRole("radio", { name: "Difference" }).click();
      await page.locator(".compare-numbers").getByText("32 of 4,096 pixels differ").waitFor();
    },
  ],

  [
    "an image is enlarged with hard pixels, and its colours are read off",
    async (world) => {
      const page = await world.open(`${RUN}/media?panel=media%2Fimage`);
      const stage = page.locator(".picture-stage");
      await stage.waitFor();
      await page.waitForTimeout(200);
      const box = await stage.boundingBox();
      await page.mouse.move(box.x + box.width / 2 - 30, box.y + box.height / 2);
      await page.locator(".pixel-readout", { hasText: "70 70 70" }).waitFor();
      for (let i = 0; i < 6; i++) await page.mouse.wheel(0, -300);
      await page.waitForTimeout(150);
      // At the seam of the halves there are no colours in between.
      assert.ok((await colorsOf(stage.locator("canvas"))) <= 3);
      await page.keyboard.press("Tab");
    },
  ],

  [
    "runs, steps and keys stand in a grid",
    async (world) => {
      const page = await openFull(world, "media/image");
      await page.getByRole("radio", { name: "Grid" }).click();
      const row = page.locator(".media-matrix tr", { hasText: "quiet-otter-2" });
      await row.locator("img").nth(3).waitFor();
      assert.deepEqual(
        await row.locator("td").evaluateAll((cells) => cells.map((cell) => cell.dataset.step)),
        ["0", "100", "200", "200"],
      );
      assert.deepEqual(await halves(row.locator("img").nth(1)), painted(1, 1));
      assert.match(await row.locator("td").nth(3).textContent(), /step 200/);
      assert.deepEqual(await axe(page), []);
    },
  ],

  [
    "a histogram tells bin and count under the pointer, as a map and as ridges",
    async (world) => {
      const page = await world.open(`${RUN}/media?panel=weights%2Flayer1`);
      const map = page.locator(".dialog-full .histogram");
      await map.waitFor();
      await page.waitForTimeout(200);
      const box = await map.boundingBox();
      await page.mouse.move(box.x + box.width - 60, box.y + box.height * 0.5);
      assert.match(
        await page.locator(".canvas-tip").textContent(),
        /step 300[\s\S]*values · density[\s\S]*3 NaN/,
      );
      await page.getByRole("radio", { name: "Ridges" }).click();
      await page.waitForTimeout(150);
      assert.ok((await colorsOf(map.locator("canvas"))) > 5);
      assert.deepEqual(await axe(page), []);
    },
  ],

  [
    "a table is searched, sorted, filtered and grouped over all its rows",
    async (world) => {
      const page = await world.open(`${RUN}/media?panel=media%2Ftable`);
      const count = page.locator(".dialog-full .table-count");
      await count.getByText("2,500 rows").waitFor();
      const first = (column) =>
        page.locator(".table-row").first().locator("[role=cell]").nth(column).textContent();
      assert.deepEqual([await first(1), await first(2)], ["0", "cat"]);
      await page.getByRole("button", { name: "score", exact: true }).click();
      await page.getByRole("button", { name: "score", exact: true }).click();
      await page.locator(".table-row", { hasText: "0.999" }).first().waitFor();
      await page.getByRole("button", { name: "Filter", exact: true }).click();
      await page.getByRole("combobox", { name: "Column" }).selectOption("label");
      await page.getByLabel("Value").fill("owl");
      await page.getByRole("button", { name: "Add" }).click();
      await count.getByText("833 of 2,500 rows").waitFor();
      await page.getByLabel("Search all cells").fill("note 77");
      await count.getByText("5 of 2,500 rows").waitFor();
      await page.getByLabel("Search all cells").fill("");
      await page.getByRole("button", { name: /Remove filter/ }).click();
      await page.getByRole("button", { name: "Options of column label" }).click();
      await page.getByRole("menuitem", { name: "Group by this" }).click();
      // At first of what was searched for before: what is typed is asked when the typing pauses.
      const cat = page.locator(".group-table tr", { hasText: /cat\s*834/ });
      await cat.waitFor();
      assert.deepEqual(await axe(page), []);
      await cat.getByRole("button").click();
      await count.getByText("834 of 2,500 rows").waitFor();
    },
  ],

  [
    "a table scrolls to its last row, opens one, and is saved as CSV without formulas",
    async (world) => {
      const page = await world.open(`${RUN}/media?panel=media%2Ftable`);
      await page.locator(".dialog-full .table-count").getByText("2,500 rows").waitFor();
      const thumb = page.locator(".dialog-full .table-row img").first();
      await thumb.waitFor();
      assert.deepEqual(await halves(thumb), painted(0, 0));
      await page.locator(".dialog-full .table-body").evaluate((node) => node.scrollTo(0, node.scrollHeight));
      await page.locator(".table-row", { hasText: "note 2499" }).waitFor();
      await page.locator(".dialog-full .table-body").evaluate((node) => node.scrollTo(0, 0));
      await page.getByRole("button", { name: "Open row 4" }).click();
      await page.locator(".row-detail", { hasText: "=1+1" }).waitFor();
      await page.keyboard.press("Escape");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Download these rows as CSV" }).click(),
      ]);
      const lines = readFileSync(await download.path(), "utf8")
        .trimEnd()
        .split("\n");
      assert.equal(lines.length, 2501);
      assert.equal(lines[0], "id,label,score,even,embedding,thumb,note");
      assert.match(lines[4], /,'=1\+1$/);
      assert.match(lines[8], /^7,dog,NaN,/);
    },
  ],

  [
    "vectors are laid out in the plane, and a point tells its row",
    async (world) => {
      const page = await world.open(`${RUN}/media?panel=media%2Ftable`);
      await page.getByRole("button", { name: "Project" }).click();
      const plane = page.locator(".projector-canvas[data-places='2500']");
      await plane.waitFor();
      await page.waitForTimeout(200);
      assert.ok((await colorsOf(plane.locator("canvas"))) > 3);
      const at = await plane.locator("canvas").evaluate((node) => {
        const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
        for (let i = 3; i < data.length; i += 4) {
          if (data[i] > 200) return [((i - 3) / 4) % node.width, Math.floor((i - 3) / 4 / node.width)];
        }
        return null;
      });
      const box = await plane.boundingBox();
      await page.mouse.move(box.x + at[0], box.y + at[1] + 2);
      assert.match(await page.locator(".row-tip").textContent(), /row[\d,]+id\d+label(cat|dog|owl)/);
      await page.getByRole("radio", { name: "UMAP" }).click();
      await page.locator(".projector-canvas[data-places='2500']").waitFor({ timeout: 60_000 });
    },
  ],

  [
    "a log shows its end first, colours, safe links, and what is in progress",
    async (world) => {
      const page = await world.open(`${RUN}/logs`);
      await page.locator(".log-line", { hasText: "a warning of the loader" }).waitFor();
      assert.match(await page.locator(".log-bar").textContent(), /3,004 lines/);
      assert.match(await page.locator(".log-state").textContent(), /training {2}50%\|#####/);
      assert.ok(await page.locator(".log-line.stderr").isVisible());
      await page.locator(".log").evaluate((node) => node.scrollTo(0, 0));
      const start = page.locator(".log-line").first();
      await start.getByText("starting").waitFor();
      assert.equal(await start.locator(".ansi-green.ansi-bold").textContent(), "starting");
      const links = page.locator(".log a");
      assert.deepEqual(
        await links.evaluateAll((nodes) => nodes.map((node) => [node.href, node.rel, node.title])),
        [["https://example.org/docs", "noopener noreferrer", "https://example.org/docs"]],
      );
      assert.ok(await page.locator(".log-line", { hasText: `hostile ${HOSTILE}` }).isVisible());
    },
  ],

  [
    "a log is searched, with a count and jumps, and narrowed to a stream",
    async (world) => {
      const page = await world.open(`${RUN}/logs`);
      await page.locator(".log-line").first().waitFor();
      await page.getByLabel("Search the log").fill("EPOCH 012");
      await page.locator(".log-search output", { hasText: "1 of 100" }).waitFor();
      await page.getByLabel("Search the log").press("Enter");
      await page.locator(".log-line.chosen", { hasText: "epoch 01201" }).waitFor();
      assert.equal(await page.locator(".log-line.chosen mark").textContent(), "epoch 012");
      await page.getByRole("button", { name: "Only matching lines" }).click();
      await page.locator(".log-bar", { hasText: "100 of 3,004 lines" }).waitFor();
      await page.getByLabel("Search the log").fill("");
      await page.getByLabel("Stream").selectOption("stderr");
      await page.locator(".log-bar", { hasText: "1 of 3,004 lines" }).waitFor();
      assert.deepEqual(await axe(page), []);
      await page.getByLabel("Stream").selectOption("All output");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Download" }).click(),
      ]);
      assert.equal(
        readFileSync(await download.path(), "utf8")
          .trimEnd()
          .split("\n").length,
        3004,
      );
    },
  ],

  [
    "a picture and a line that are logged now are shown now, and a log that was scrolled away stays",
    async (world) => {
      const run = await world.startRun("live-picture", "live_media.py");
      try {
        const media = await world.open("/acme/live-media");
        await media.locator(".tile img").waitFor();
        const logs = await world.open("/acme/live-media/runs/live-picture/logs");
        await logs.locator(".log-line", { hasText: "before 199" }).waitFor();
        await run.point();
        await media.locator(".tile[data-step='1'] img").waitFor({ timeout: 6_000 });
        assert.deepEqual((await halves(media.locator(".tile img")))[0], [10, 10, 10]);
        await logs.locator(".log-line", { hasText: "line 1" }).waitFor({ timeout: 6_000 });
        await logs.locator(".log").evaluate((node) => node.scrollTo(0, 400));
        await logs.waitForTimeout(200);
        const before = await logs.locator(".log").evaluate((node) => node.scrollTop);
        const count = await logs.locator(".log-bar .points-note").textContent();
        await run.point();
        await logs.waitForFunction(
          (former) => document.querySelector(".log-bar .points-note").textContent !== former,
          count,
          { timeout: 6_000 },
        );
        assert.equal(await logs.locator(".log").evaluate((node) => node.scrollTop), before);
        // A step that was chosen stays, whatever comes.
        await media.getByRole("slider", { name: "Step of sample" }).focus();
        await media.keyboard.press("Home");
        await media.locator(".tile[data-step='0'] img").waitFor();
        await run.point();
        await media.locator(".step-bar", { hasText: "1 of 4" }).waitFor({ timeout: 6_000 });
        assert.equal(await media.locator(".tile").getAttribute("data-step"), "0");
      } finally {
        await run.finish();
      }
    },
  ],

  [
    "the code of a run: commit, changes, files, and how to get it back",
    async (world) => {
      const page = await world.open(`${RUN}/code`);
      await page.locator(".patch-file", { hasText: "train.py" }).waitFor();
      assert.match(await page.locator(".hunk .added").textContent(), /return 2 \/ \(step \+ 1\)/);
      assert.match(await page.locator(".hunk .removed").textContent(), /return 1 \/ \(step \+ 1\)/);
      assert.match(await page.getByLabel("Commit", { exact: true }).inputValue(), /^[0-9a-f]{40}$/);
      assert.match(
        await page.getByLabel("Command that restores the code").inputValue(),
        /^treering restore \w{26}$/,
      );
      assert.ok(!(await page.content()).includes("secret@"));
      await page.getByRole("button", { name: "notes.md", exact: true }).click();
      await page.locator(".source", { hasText: "smaller" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /model\// }).click();
      await page.getByText("net.py").waitFor();
      assert.deepEqual(await axe(page), []);
    },
  ],

  [
    "files are found, looked into and downloaded as they were",
    async (world) => {
      const page = await world.open(`${RUN}/files`);
      await page.getByLabel("Purpose").selectOption("saved");
      await page.getByText("2 files").waitFor();
      await page.getByRole("button", { name: "page.svg", exact: true }).click();
      await page.locator(".file-preview iframe").waitFor();
      await page.frameLocator(".file-preview iframe").locator("svg rect").waitFor();
      await page.keyboard.press("Escape");
      await page.getByLabel("Search files").fill("results");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Download results.json" }).click(),
      ]);
      assert.equal(readFileSync(await download.path(), "utf8"), '{\n  "accuracy": 0.91\n}');
      assert.deepEqual(await axe(page), []);
    },
  ],

  [
    "notes are written with a preview and saved",
    async (world) => {
      const page = await world.open("/acme/rich/runs/rich2/overview");
      await page.getByRole("button", { name: "Edit notes" }).click();
      await page.getByLabel("Notes in Markdown").fill("A **bold** claim");
      await page.getByRole("radio", { name: "Preview" }).click();
      assert.equal(await page.locator(".notes-preview strong").textContent(), "bold");
      await page.getByRole("button", { name: "Save" }).click();
      await page.locator(".markdown strong", { hasText: "bold" }).waitFor();
      await page.reload();
      await page.locator(".markdown strong", { hasText: "bold" }).waitFor();
    },
  ],

  [
    "every tab of a run has an address, is reached by keyboard and fits a phone",
    async (world) => {
      const page = await world.open(`${RUN}/overview`);
      const key = (await page.locator(".facts", { hasText: "/r/" }).first().textContent()).match(
        /\/r\/(\w+)/,
      )[1];
      for (const tab of ["media", "logs", "config", "code", "files"]) {
        await page.goto(new URL(`/r/${key}/${tab}`, world.url).href);
        await page.waitForURL(`**${RUN}/${tab}`);
        assert.equal(await page.locator(".run-tabs [aria-current]").textContent(), await label(page, tab));
      }
      await page.getByRole("link", { name: "Files" }).focus();
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Enter");
      await page.waitForURL(`**${RUN}/code`);
      const phone = await world.open(`${RUN}/files`, {
        width: 390,
        height: 844,
        isMobile: true,
        hasTouch: true,
      });
      for (const tab of ["files", "overview", "charts", "media", "logs", "system", "config", "code"]) {
        await phone.goto(new URL(`${RUN}/${tab}`, world.url).href);
        await phone.locator("#main").waitFor();
        await phone.waitForTimeout(700);
        const chosen = await phone.locator(".run-tabs [aria-current]").boundingBox();
        assert.ok(chosen.x >= 0 && chosen.x + chosen.width <= 390, `${tab} is out of sight`);
        assert.ok(
          (await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0,
          `${tab} is too wide`,
        );
      }
    },
  ],

  ...["light", "dark"].flatMap((colorScheme) =>
    ["overview", "media", "logs", "config", "code", "files"].map((tab) => [
      `axe finds nothing on the ${tab} of a run in ${colorScheme}`,
      async (world) => {
        const page = await world.open(`${RUN}/${tab}`, { colorScheme });
        await page.locator("#main").waitFor();
        await page.waitForTimeout(1_200);
        assert.deepEqual(await axe(page), []);
      },
    ]),
  ),

  [
    "axe finds nothing on the media of a project on a phone",
    async (world) => {
      const page = await world.open(`${WORKSPACE}?q=media`, { width: 390, height: 844, isMobile: true });
      await page.locator(".tile").first().waitFor();
      await page.waitForTimeout(800);
      assert.deepEqual(await axe(page), []);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    },
  ],
];

function label(page, tab) {
  return page.locator(`.run-tabs a[href$="/${tab}"]`).textContent();
}
