// Runs the browser tests.
//
//   npm run e2e                              seeds a folder and starts the checkout's server over it
//   npm run e2e -- 'http://…/#t=…' [WORD]    against a running server (or TREERING_URL; TREERING_DATA is its folder)
//   npm run e2e -- WORD                      only tests in whose name WORD, a regular expression, is found
//
// With E2E=core only some of each sort run, for every change: they go through every page once. The exam runs all.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { tests as alertTests } from "./alerts.mjs";
import { tests as artifactTests } from "./artifacts.mjs";
import { tests as compareTests } from "./compare.mjs";
import { tests as correctionTests } from "./corrections.mjs";
import { tests as exportTests } from "./export.mjs";
import { tests as ranksTests } from "./ranks.mjs";
import { tests as reportTests } from "./reports.mjs";
import { tests as richTests } from "./rich.mjs";
import { tests as teamTests } from "./team.mjs";
import { tests } from "./tests.mjs";
import { tests as workspaceTests } from "./workspace.mjs";
import { createWorld } from "./world.mjs";

const CORE = new RegExp(
  [
    "one-time code|without a session|all runs are drawn|dragging zooms",
    "speaks the server's language|within a second of log|shown literally",
    "panels are added|table is searched",
    "metric is corrected|chosen runs|panels over runs",
    "set-up link|a person signs in|rank of a job are named|lineage leads|report is written on",
    "^axe .* (/acme/vit|/acme/sweep/runs|overview of a run) in light$",
    "broke no rule",
  ].join("|"),
);

const words = process.argv.slice(2);
const url = words[0]?.startsWith("http") ? words.shift() : process.env.TREERING_URL;
const only = words.join(" ");
const output = join(import.meta.dirname, "../output");
mkdirSync(output, { recursive: true });

const { world, close } = await createWorld(url);
let failed = 0;
try {
  // The last of `tests` asks whether anything was wrong on any page, so it comes behind the others. Those of the
  // workspace count lines, and later ones log more runs.
  const seen = [
    ...workspaceTests,
    ...tests.slice(0, -1),
    ...richTests,
    ...compareTests,
    ...correctionTests,
    ...ranksTests,
    ...artifactTests,
    ...alertTests,
    ...exportTests,
    ...reportTests,
    ...teamTests,
    ...tests.slice(-1),
  ];
  const all = process.env.E2E === "core" ? seen.filter(([name]) => CORE.test(name)) : seen;
  for (const [name, test] of all.filter(([candidate]) => new RegExp(only).test(candidate))) {
    const start = Date.now();
    try {
      await test(world);
      console.log(`ok    ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name}\n${String(error.stack ?? error).replace(/^/gm, "      ")}`);
      const pages = world.browser.contexts().flatMap((context) => context.pages());
      await pages.at(-1)?.screenshot({ path: join(output, `${name.replaceAll(/\W+/g, "-")}.png`) });
    }
    for (const context of world.browser.contexts()) await context.close();
  }
} finally {
  await close();
}
console.log(failed === 0 ? "all passed" : `${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
