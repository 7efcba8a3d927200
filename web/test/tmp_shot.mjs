import { launch } from "./browser.mjs";
import { pathToFileURL } from "node:url";
const [file, out] = process.argv.slice(2);
const b = await launch();
for (const [name, opts] of [["light",{colorScheme:"light",viewport:{width:1300,height:900}}],["dark",{colorScheme:"dark",viewport:{width:1300,height:900}}],["phone",{colorScheme:"light",viewport:{width:390,height:800}}]]) {
  const c = await b.newContext({offline:true,...opts});
  const p = await c.newPage();
  const bad=[]; p.on("pageerror",e=>bad.push(e.message)); p.on("console",m=>["error","warning"].includes(m.type())&&bad.push(m.text())); p.on("request",r=>!/^(file|blob|data|about):/.test(r.url())&&bad.push(r.url()));
  const t=Date.now();
  await p.goto(pathToFileURL(file).href);
  await p.locator(".report-figure").first().waitFor({timeout:8000}).catch(e=>bad.push(e.message));
  const open=Date.now()-t;
  const figs = p.locator(".report-figure");
  const n = await figs.count();
  for (let i=0;i<n;i++){ await figs.nth(i).scrollIntoViewIfNeeded(); await p.waitForTimeout(350); if(name==="light") await figs.nth(i).screenshot({path:`${out}/f${i}.png`}); }
  await p.evaluate(()=>document.querySelector("main")?.scrollTo(0,0)); await p.waitForTimeout(300);
  await p.screenshot({path:`${out}/${name}.png`});
  console.log(name, n, "open ms", open, [...new Set(bad)].slice(0,10));
  if(name==="light"){ await p.pdf({path:`${out}/r.pdf`}).catch(e=>console.log(String(e).slice(0,200))); }
  await c.close();
}
await b.close();
