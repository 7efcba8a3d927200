import { createWorld } from "./e2e/world.mjs";
import { execFileSync } from "node:child_process";
const out=process.argv[2];
const {world,close}=await createWorld(undefined,["seed.py"]);
try{
 const run=(code)=>execFileSync("/work/main/.venv/bin/python",["-c",`import treering as tr, sys, json\napi = tr.Api(sys.argv[1])\n${code}`,world.folder],{env:{...process.env,PYTHONPATH:"/work/main/src"},encoding:"utf8"}).trim();
 const id=run(`
figs=["val/acc_top1","val/loss","train/loss","train/lr"]
parts=['\`\`\`treering\\n{"runs": {"all": {}, "by model": {"group": ["config.model"]}}}\\n\`\`\`\\n\\n# Long\\n']
f=0
for i in range(200):
    if i%4==0:
        parts.append('\`\`\`treering\\n'+json.dumps({"panel":{"type":["line","scatter","bar","line"][f%4],"settings":{"keys":[figs[f%3]]} if f%4 in (0,3) else {}},"runs":"by model" if f%2 else "all"})+'\\n\`\`\`\\n'); f+=1
    else: parts.append(f"Paragraph {i} with words and {{{{ mean(val/loss) }}}} and more words that go on for a line or two, so that it is as long as people write. "*2+"\\n")
print(api.create_report("acme/vit","Long","\\n".join(parts),published=True).id)`);
 const page=await world.open(`/acme/vit/reports/${id}`);
 let t=Date.now();
 await page.reload(); await page.locator(".report-figure").first().waitFor(); console.log("first figure ms",Date.now()-t);
 await page.locator(".report-figure .points-note",{hasText:/\d points/}).first().waitFor(); console.log("first drawn ms",Date.now()-t);
 t=Date.now();
 await page.getByRole("button",{name:"Edit"}).click();
 await page.getByText("Paragraph 3 with").first().waitFor(); console.log("editor ms",Date.now()-t);
 await page.waitForTimeout(2500);
 await page.getByText("Paragraph 3 with").first().click(); await page.keyboard.press("End");
 const typed=async(label)=>{ const times=await page.evaluate(()=>{window.__t=[];return 0});
  await page.evaluate(()=>{ if(!window.__h){window.__h=1; window.addEventListener("keydown",()=>{const a=performance.now(); requestAnimationFrame(()=>setTimeout(()=>window.__t.push(performance.now()-a)))},true);} });
  for(const ch of "hello this is some text that is typed quickly now"){ await page.keyboard.type(ch); await page.waitForTimeout(60);} await page.waitForTimeout(1500);
  const ts=(await page.evaluate(()=>window.__t)).sort((a,b)=>a-b); console.log(label,"keys",ts.length,"median",ts[ts.length>>1]?.toFixed(1),"p95",ts[Math.floor(ts.length*.95)]?.toFixed(1),"max",ts.at(-1)?.toFixed(1)); };

 const cdp=await page.context().newCDPSession(page); await cdp.send("Profiler.enable"); await cdp.send("Profiler.setSamplingInterval",{interval:500}); await cdp.send("Profiler.start");
 await typed("page");
 const {profile}=await cdp.send("Profiler.stop"); const self=new Map(); const dt=profile.timeDeltas; const byId=new Map(profile.nodes.map(n=>[n.id,n])); profile.samples.forEach((s,i)=>{const n=byId.get(s); const k=n.callFrame.functionName+" "+n.callFrame.url.split("/").pop()+":"+n.callFrame.lineNumber+":"+n.callFrame.columnNumber; self.set(k,(self.get(k)??0)+dt[i]/1000)}); console.log("busy ms per key", ([...self].filter(([k])=>!/^\((idle|program)/.test(k)).reduce((s,[,v])=>s+v,0)/49).toFixed(1)); console.log([...self].sort((a,b)=>b[1]-a[1]).slice(0,14).map(([k,v])=>v.toFixed(0)+" "+k).join("\n"));
 await page.getByRole("button",{name:"Page and Markdown"}).click(); await page.waitForTimeout(800);
 await page.getByText("Paragraph 3 with").first().click(); await page.keyboard.press("End");
 await typed("both");
 await page.getByRole("button",{name:"Page",exact:true}).click();
 await page.getByText("Paragraph 5 with").first().click(); await page.keyboard.press("End");
 await page.getByRole("button",{name:"Figure",exact:true}).click();
 const form=page.getByRole("dialog",{name:"Figure"});
 await form.getByRole("radio",{name:"Scatter"}).click(); await form.getByLabel("Caption").fill("Made here {{ n(val/loss) }}");
 await page.waitForTimeout(1500);
 await page.screenshot({path:`${out}/form.png`});
 await page.evaluate(()=>{document.documentElement.dataset.theme="dark"}); await page.waitForTimeout(300); await page.screenshot({path:`${out}/form-dark.png`});
 await page.setViewportSize({width:390,height:800}); await page.waitForTimeout(400); await page.screenshot({path:`${out}/form-phone.png`});
 console.log(world.complaints.slice(0,5));
} finally { await close(); }
