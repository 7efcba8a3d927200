// Reports in a real browser: written as they will look, frozen, talked about, never overwritten.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { axe } from "./axe.mjs";
import { PYTHON, SOURCE } from "./world.mjs";

const HERE = "/acme/vit/reports";

const TEXT = `\`\`\`treering
{"runs": {"all": {"group": ["config.model"]}, "vits": {"filter": "config.model ~ \\"^vit\\""}}}
\`\`\`

# Results  

Over {{ n(val/acc_top1, runs="vits") }} runs the accuracy is {{ mean(val/acc_top1, runs="vits") ± ci }},
with  *odd*   Markdown and a \`{{ formula in code }}\`.

* stars
* as bullets

| a | b |
|---|--:|
| x | {{ min(val/loss) }} |

\`\`\`treering
{"panel": {"type": "line", "settings": {"keys": ["val/acc_top1"]}},  "caption": "By {{ n(val/loss) }} runs"}
\`\`\`

Last words.`;

/** What a script says to the server that the browser tests have. */
function script(world, code) {
  return execFileSync(
    PYTHON,
    ["-c", `import treering as tr, sys\napi = tr.Api(sys.argv[1])\n${code}`, world.folder],
    {
      env: SOURCE,
      encoding: "utf8",
    },
  ).trim();
}

/** Saves a report and returns its id. */
function written(world, title, text = TEXT) {
  const call = `api.create_report("acme/vit", ${JSON.stringify(title)}, ${JSON.stringify(text)}, published=True)`;
  return script(world, `print(${call}.id)`);
}

const textOf = (world, id) =>
  script(world, `sys.stdout.write(api.report("${id}").markdown + "|")`).slice(0, -1);

/** Waits until the first figure is drawn. */
async function drawn(page) {
  await page
    .locator(".report-figure .points-note", { hasText: /\d points/ })
    .first()
    .waitFor();
}

/** Opens the menu of a report and takes what is named. */
async function choose(page, title, item) {
  await page.getByRole("button", { name: `Options of ${title}` }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

export const tests = [
  [
    "a report is written on its page, keeps the bytes of what nobody touched, is frozen and says what has changed",
    async (world) => {
      const id = written(world, "Which model");
      const page = await world.open(`${HERE}/${id}`);
      await drawn(page);
      const value = page.locator(".report-body .value").nth(1);
      assert.match(await value.textContent(), /^\d\d\.\d+ ± \d/);
      await value.click();
      await page.locator(".value-card", { hasText: "with a value" }).waitFor();
      await page.keyboard.press("Escape");

      await page.getByRole("button", { name: "Edit" }).click();
      const words = page.getByRole("textbox", { name: "Text of the report" });
      await words.getByText("Last words.").click();
      await page.keyboard.press("End");
      await page.keyboard.type(" And more: {{ n(val/loss) }}");
      await page.locator(".edited-value .value", { hasText: /^\d+$/ }).last().waitFor();
      await page.keyboard.type(" runs.");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("saved as version 2").waitFor();
      assert.equal(
        textOf(world, id),
        TEXT.replace("Last words.", "Last words. And more: {{ n(val/loss) }} runs.\n"),
      );

      await page.getByRole("button", { name: "Done" }).click();
      await choose(page, "Which model", "Freeze");
      await page.getByText("The runs still say the same").waitFor();
      await page.locator(".report-figure .badge", { hasText: /^frozen$/ }).waitFor();
      script(world, 'run = api.run("acme/vit/r2"); run.name = "renamed"; run.update()');
      world.atEnd(() =>
        script(world, 'run = api.run("acme/vit/r2"); run.name = "brisk-marten-3"; run.update()'),
      );
      await page.reload();
      await page.getByRole("button", { name: "1 thing has changed since" }).click();
      await page.getByText("The run 'brisk-marten-3' is now called 'renamed'.").waitFor();
      await drawn(page);
    },
  ],
  [
    "somebody who saves another version loses nothing and overwrites nobody: both texts are merged",
    async (world) => {
      const id = written(world, "Two editors", "# Title\n\nMine.\n\nBetween.\n\nTheirs.\n");
      const page = await world.open(`${HERE}/${id}?edit=1`);
      await page.getByText("Mine.", { exact: true }).click();
      await page.keyboard.press("End");
      await page.keyboard.type(" Changed here.");
      script(
        world,
        `r = api.report("${id}"); r.markdown = r.markdown.replace("Theirs.", "Changed there."); r.save()`,
      );
      await page.getByRole("button", { name: "Save" }).click();

      const dialog = page.getByRole("dialog");
      await dialog.getByText("you changed nothing in the same place").waitFor();
      const merged = "# Title\n\nMine. Changed here.\n\nBetween.\n\nChanged there.\n";
      assert.equal(await dialog.getByLabel("Merged").inputValue(), merged);
      await dialog.getByRole("button", { name: "Go on with the merged text" }).click();
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("saved as version 3").waitFor();
      assert.equal(textOf(world, id), merged);

      await page.getByRole("button", { name: "Done" }).click();
      await choose(page, "Two editors", "History of edits");
      await page.getByRole("button", { name: "1. Two editors" }).click();
      await page.getByRole("button", { name: "Restore" }).click();
      await page.getByText("Theirs.").waitFor();
      assert.equal(textOf(world, id), "# Title\n\nMine.\n\nBetween.\n\nTheirs.\n");
    },
  ],
  [
    "what was written and not saved is there when one comes back",
    async (world) => {
      const id = written(world, "Unsaved", "First.\n\nBetween.\n\nWords.\n");
      const page = await world.open(`${HERE}/${id}?edit=1`);
      await page.getByText("Words.").click();
      await page.keyboard.press("End");
      await page.keyboard.type(" Not saved.");
      await page.getByRole("status").getByText("not saved").waitFor();
      await page.waitForTimeout(600);
      await page.getByRole("link", { name: "Reports", exact: true }).click();
      await page.locator(".report-card", { hasText: "Unsaved" }).click();
      await page.getByRole("button", { name: "Go on writing" }).click();
      await page.getByText("Words. Not saved.").waitFor();
      await page.getByRole("button", { name: "Discard" }).click();
      assert.equal(textOf(world, id), "First.\n\nBetween.\n\nWords.\n");

      // Nor does it overwrite what somebody saved in the meantime.
      await page.getByText("Words.").click();
      await page.keyboard.press("End");
      await page.keyboard.type(" Mine.");
      await page.waitForTimeout(600);
      await page.getByRole("link", { name: "Reports", exact: true }).click();
      script(world, `r = api.report("${id}"); r.markdown = "Their " + r.markdown; r.save()`);
      await page.locator(".report-card", { hasText: "Unsaved" }).click();
      await page.getByRole("button", { name: "Go on writing" }).click();
      await page.getByText("Words. Mine.").waitFor();
      await page.getByRole("button", { name: "Save" }).click();
      const merged = page.getByRole("dialog").getByLabel("Merged");
      await merged.waitFor();
      assert.equal(await merged.inputValue(), "Their First.\n\nBetween.\n\nWords. Mine.\n");
    },
  ],
  [
    "a new report begins with a template; figures, run sets and numbers are put in by forms",
    async (world) => {
      const page = await world.open(HERE);
      await page.getByRole("button", { name: "New report" }).click();
      await page.getByLabel("Title").fill("Made by forms");
      await page.getByRole("radio", { name: /A result/ }).click();
      await page.getByRole("button", { name: "Begin" }).click();
      const words = page.getByRole("textbox", { name: "Text of the report" });
      await words.getByText("What was not tried").click();
      await page.keyboard.press("End");
      await page.getByRole("button", { name: "Figure", exact: true }).click();
      const form = page.getByRole("dialog", { name: "Figure" });
      await form.getByRole("radio", { name: "Scatter" }).click();
      await form.getByLabel("Caption").fill("Made here");
      await form.getByLabel("Runs", { exact: true }).selectOption("of its own…");
      await form.getByLabel("Filter").fill('config.model = "vit-l/16"');
      await form
        .locator(".run-set-fields")
        .getByText(/^8 runs/)
        .waitFor();
      // What it will look like is seen while it is made.
      const preview = form.getByRole("region", { name: "Preview" });
      await preview.getByText("Made here").waitFor();
      await preview.locator(".points-note", { hasText: "8 runs" }).waitFor();
      await form.getByRole("button", { name: "Apply" }).click();
      await page.locator(".report-figure", { hasText: "Made here" }).getByText("8 runs").first().waitFor();
      await page.keyboard.type("Typed behind it: ");
      await page.getByRole("button", { name: "Number", exact: true }).click();
      const number = page.getByRole("dialog", { name: "Number from runs" });
      await number.getByLabel("Formula").fill("meen(val/loss)");
      await number.getByText("there is no function 'meen'").waitFor();
      await number.getByLabel("Formula").fill("mean(val/loss)");
      await number.locator("output b").waitFor();
      await number.getByRole("button", { name: "Apply" }).click();
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("saved as version 2").waitFor();
      const text = textOf(world, new URL(page.url()).pathname.split("/").at(-1));
      assert.match(
        text,
        /"type": "scatter"\n {2}\},\n {2}"runs": \{\n {4}"filter": "config.model = \\"vit-l\/16\\""/,
      );
      assert.match(text, /\n\nTyped behind it: \{\{ mean\(val\/loss\) \}\}\n$/);
      assert.deepEqual(await axe(page), []);
    },
  ],
  [
    "a report is talked about in threads, and so are runs and panels",
    async (world) => {
      const id = written(world, "Talked about");
      const page = await world.open(`${HERE}/${id}`);
      await drawn(page);
      await page.locator(".report-figure .panel").first().hover();
      await page.getByRole("button", { name: "Options of val/acc_top1" }).click();
      await page.getByRole("menuitem", { name: "Comment…" }).click();
      await page.getByLabel("Comment on figure 1").fill("Is this **right**, @ada?");
      await page.getByRole("button", { name: "Send" }).click();
      const thread = page.getByRole("article", { name: /Thread of/ });
      await thread.locator("[data-mention]", { hasText: "@ada" }).waitFor();
      await thread.getByRole("button", { name: "Answer" }).click();
      await page.getByLabel("Answer").fill("It is.");
      await page.getByRole("button", { name: "Send" }).last().click();
      await thread.getByText("It is.").waitFor();
      assert.deepEqual(await axe(page), []);
      await thread.getByRole("button", { name: "Resolve" }).click();
      await page.getByRole("button", { name: "Show 1 resolved" }).waitFor();

      await page.goto(new URL("/acme/vit/runs/r7/overview", world.url).href);
      const about = page.getByRole("region", { name: "Comments" });
      await about.getByLabel("Comment").fill("Look at this run.");
      await about.getByRole("button", { name: "Send" }).click();
      await about.getByText("Look at this run.").waitFor();

      await page.goto(new URL("/acme/vit", world.url).href);
      await page.getByRole("button", { name: "Options of val/acc_top1" }).first().click();
      await page.getByRole("menuitem", { name: "Comments…" }).click();
      const panel = page.getByRole("dialog", { name: "Comments on val/acc_top1" });
      await panel.getByLabel("Comment", { exact: true }).fill("This panel is in every report.");
      await panel.getByRole("button", { name: "Send" }).click();
      await panel.getByText("This panel is in every report.").waitFor();
    },
  ],
  [
    "a picture is pasted into the notes of a run, kept by the server, and shown",
    async (world) => {
      const page = await world.open("/acme/vit/runs/r8/overview");
      await page.getByRole("button", { name: "Edit notes" }).click();
      const field = page.getByLabel("Notes in Markdown");
      await field.fill("Seen: ");
      await field.evaluate((element) => {
        const bytes = atob(
          "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        );
        const data = new DataTransfer();
        data.items.add(
          new File([Uint8Array.from(bytes, (c) => c.charCodeAt(0))], "curve.png", { type: "image/png" }),
        );
        element.setSelectionRange(6, 6);
        element.dispatchEvent(
          new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
        );
      });
      await page.waitForFunction(() =>
        /picture:[0-9a-f]{64}/.test(document.querySelector("textarea")?.value ?? ""),
      );
      await page.getByRole("button", { name: "Save" }).click();
      const image = page.locator('.markdown img[alt="curve"]');
      await page.waitForFunction(
        () => document.querySelector('.markdown img[alt="curve"]')?.naturalWidth === 1,
      );
      assert.match(await image.getAttribute("src"), /^blob:/);
    },
  ],
  [
    "a report is shown to a room, one section a screen, and fits a phone",
    async (world) => {
      const id = written(world, "Shown", "# One\n\nFirst.\n\n## Two\n\nSecond.\n");
      const page = await world.open(`${HERE}/${id}`);
      await choose(page, "Shown", "Present");
      await page.getByText("1 / 2").waitFor();
      assert.equal(await page.getByText("Second.").isVisible(), false);
      await page.keyboard.press("ArrowRight");
      await page.getByText("Second.").waitFor();
      assert.equal(await page.getByText("First.").isVisible(), false);
      await page.keyboard.press("Escape");
      await page.getByText("First.").waitFor();

      const long = written(world, "On a phone");
      const phone = await world.open(`${HERE}/${long}`, { width: 390, height: 844 });
      await drawn(phone);
      const wide = await phone.evaluate(() => {
        const main = document.querySelector("main");
        return main.scrollWidth - main.clientWidth;
      });
      assert.equal(wide, 0);
    },
  ],
  ...["light", "dark"].map((colorScheme) => [
    `axe finds nothing on a report, its list and its editor in ${colorScheme}`,
    async (world) => {
      const id = written(world, `Looked at in ${colorScheme}`);
      for (const path of [HERE, `${HERE}/${id}`, `${HERE}/${id}?edit=1`]) {
        const page = await world.open(path, { colorScheme });
        if (path !== HERE) await drawn(page);
        else await page.locator(".report-card").first().waitFor();
        assert.deepEqual(await axe(page), []);
      }
    },
  ]),
];
