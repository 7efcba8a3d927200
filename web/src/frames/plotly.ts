// Draws Plotly figures in their frame.

import Plotly, { type Data } from "plotly.js-dist-min";
import { type Look, serve, theFigure } from "./messages";

type Layout = Record<string, unknown>;

serve(async ({ json, look }) => {
  const figure = JSON.parse(String(json)) as { data?: Data[]; layout?: Layout };
  const { width: _, height: __, ...layout } = figure.layout ?? {};
  document.body.style.background = (look as Look).surface;
  await Plotly.react(theFigure(), figure.data ?? [], dressed(layout, look as Look) as object, {
    responsive: true,
    displaylogo: false,
  });
  return figure.data?.length ?? 0;
});

/** Our colours where the figure has only Plotly's own; what its maker chose stays. */
function dressed(layout: Layout, look: Look): Layout {
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
  return {
    margin: { l: 48, r: 16, t: layout.title ? 44 : 16, b: 40 },
    ...layout,
    autosize: true,
    template: { ...(layout.template as object), layout: own },
  };
}
