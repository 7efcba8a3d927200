import { launch } from "./browser.mjs"; import { pathToFileURL } from "node:url";
const b=await launch(); const p=await (await b.newContext({offline:true})).newPage(); p.on("console",m=>console.log(m.text().slice(0,300))); p.on("pageerror",e=>console.log("ERR",e.message));
await p.goto(pathToFileURL(process.argv[2]).href); await p.waitForTimeout(3000);
console.log((await p.locator(".tile").first().innerHTML()).slice(0,300).replace(/[\n]/g," "));
for(const f of p.frames()) console.log(f.url(), (await f.evaluate(()=>document.body.innerHTML.length+" "+!!document.querySelector("canvas")+" scripts "+[...document.scripts].map(s=>s.textContent.length)).catch(e=>e.message)));
await b.close();
