// The script of an exported report: what draws a report on the server's page, in one piece.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Tooltip } from "radix-ui";
import { createRoot } from "react-dom/client";
import { standAlone } from "@/api/held";
import { useTheme } from "@/state/theme";
import base from "@/styles/base.css?inline";
import comparing from "@/styles/comparing.css?inline";
import controls from "@/styles/controls.css?inline";
import media from "@/styles/media.css?inline";
import pages from "@/styles/pages.css?inline";
import panels from "@/styles/panels.css?inline";
import plots from "@/styles/plots.css?inline";
import reports from "@/styles/reports.css?inline";
import tokens from "@/styles/tokens.css?inline";
import own from "./export.css?inline";
import { bytesOf, readPage } from "./payload";
import { ReportView } from "./ReportView";

const style = document.createElement("style");
style.textContent = [tokens, base, controls, pages, panels, plots, comparing, media, reports, own].join("\n");
document.head.append(style);
document.documentElement.dataset.theme = useTheme.getState().name;

const root = document.getElementById("root");
if (root) {
  try {
    const { index, blocks } = readPage();
    const { report } = index;
    if (!report) throw new Error("There is no report in it.");
    standAlone(
      (sha256) => {
        const [block, type] = report.bytes?.[sha256] ?? [];
        const text = block === undefined ? undefined : blocks[block];
        return text === undefined ? null : new Blob([bytesOf(text)], { type: type ?? "" });
      },
      async (name) => {
        const text = blocks[report.libraries?.[name] ?? -1];
        if (text === undefined) return null;
        const packed = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
        return new Response(packed).text();
      },
    );
    const queries = new QueryClient({ defaultOptions: { queries: { retry: false, networkMode: "always" } } });
    createRoot(root).render(
      <QueryClientProvider client={queries}>
        <Tooltip.Provider>
          <div className="app exported">
            <ReportView title={index.title} exportedAt={index.exported_at} report={report} />
          </div>
        </Tooltip.Provider>
      </QueryClientProvider>,
    );
  } catch (cause) {
    root.textContent = `This page cannot be shown: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
