import { Copy, Download } from "lucide-react";
import type { RunDetail } from "@/api/types";
import { saveText } from "@/ui/saveText";
import { flatten } from "../flatten";
import { summaryEntries } from "../summary";
import { ValueTable } from "../ValueTable";
import "@/styles/run.css";

/** What the run was given, and what came out of it. */
export default function ConfigTab({ run }: { run: RunDetail }) {
  const json = JSON.stringify(run.config, null, 2);
  return (
    <main id="main" className="page overview">
      <h1 className="visually-hidden">{run.name} config</h1>
      <div className="config-bar">
        <button type="button" className="button" onClick={() => void navigator.clipboard?.writeText(json)}>
          <Copy size={14} />
          Copy as JSON
        </button>
        <button
          type="button"
          className="button"
          onClick={() => saveText(`${run.name}-config.json`, "application/json", `${json}\n`)}
        >
          <Download size={14} />
          Download
        </button>
      </div>
      <div className="columns">
        <div>
          <ValueTable title="Config" entries={flatten(run.config)} empty="This run has no config." />
        </div>
        <div>
          <ValueTable title="Summary" entries={summaryEntries(run)} empty="This run has no summary." />
        </div>
      </div>
    </main>
  );
}
