// Draws Vega-Lite charts in their frame. Expressions are interpreted, so no text ever becomes code.

import { parse, type Spec, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type TopLevelSpec } from "vega-lite";
import { type Look, serve, theFigure } from "./messages";

let view: View | null = null;

serve(async ({ json, table, look }) => {
  const { surface, text, grid } = look as Look;
  document.body.style.background = surface;
  const given = JSON.parse(String(json)) as Record<string, unknown>;
  const config = {
    background: surface,
    style: { cell: { stroke: grid } },
    title: { color: text },
    axis: { labelColor: text, titleColor: text, gridColor: grid, domainColor: grid, tickColor: grid },
    legend: { labelColor: text, titleColor: text },
  };
  const schema = String(given.$schema ?? "");
  const lite = !schema.includes("/vega/");
  const sized = lite && !("hconcat" in given || "vconcat" in given || "facet" in given || "repeat" in given);
  const fill = sized
    ? { width: "container", height: "container", autosize: { type: "fit", contains: "padding" } }
    : {};
  const spec = lite
    ? compile({
        ...fill,
        ...given,
        config: { ...config, ...(given.config as object) },
      } as unknown as TopLevelSpec).spec
    : (given as unknown as Spec);
  view?.finalize();
  const next = new View(parse(spec, undefined, { ast: true }), {
    expr: expressionInterpreter,
    renderer: "canvas",
    container: theFigure(),
    hover: true,
  });
  view = next;
  // Only a chart that asks for the table has a place for it.
  if (Array.isArray(table) && JSON.stringify(given).includes('"table"')) next.data("table", table);
  await next.runAsync();
  return 1;
});

window.addEventListener("resize", () => void view?.resize().runAsync());
