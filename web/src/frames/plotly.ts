// Draws Plotly figures in their frame.

import Plotly from "plotly.js-strict-dist-min";
import { type Look, serve, theFigure } from "./messages";

type Layout = Record<string, unknown>;

serve(async ({ json, look }) => {
  const figure = JSON.parse(String(json)) as { data?: unknown[]; layout?: Layout };
  const { width: _, height: __, ...layout } = figure.layout ?? {};
  document.body.style.background = (look as Look).surface;
  const data = figure.data ?? [];
  await Plotly.react(theFigure(), data, dressed(data, layout, look as Look), {
    responsive: true,
    displaylogo: false,
  });
  return data.length;
});

/** Traces whose labels stand outside of the plot. */
const ROOMY = new Set(["parcoords", "parcats", "indicator"]);

/** Our colours where the figure has only Plotly's own; what its maker chose stays. */
function dressed(data: readonly unknown[], layout: Layout, look: Look): Layout {
  const template = (layout.template as { layout?: Layout } | undefined)?.layout ?? {};
  const plain = template.paper_bgcolor === undefined || template.paper_bgcolor === "white";
  if (!plain) return { ...layout, autosize: true };
  const axis = { gridcolor: look.grid, zerolinecolor: look.grid, linecolor: look.grid };
  const own: Layout = {
    ...template,
    paper_bgcolor: look.surface,
    plot_bgcolor: look.surface,
    font: { ...(template.font as object), color: look.text },
    xaxis: { ...(template.xaxis as object), ...axis },
    yaxis: { ...(template.yaxis as object), ...axis },
  };
  const inset = data.some((trace) => ROOMY.has(String((trace as { type?: unknown } | null)?.type)));
  return {
    ...(inset ? {} : { margin: { l: 48, r: 16, t: layout.title ? 44 : 16, b: 40 } }),
    ...layout,
    autosize: true,
    template: { ...(layout.template as object), layout: own },
  };
}
