import { ChartScatter } from "lucide-react";
import { lazy } from "react";
import { definePanel } from "../registry";
import { check, DEFAULTS, name, type ScatterSettings } from "./settings";

export const panel = definePanel<ScatterSettings>({
  type: "scatter",
  title: "Scatter",
  icon: ChartScatter,
  recipe: {
    about: "Two figures of every run against each other, with the Pareto front or the best so far.",
    keys: "none",
    settings: () => ({}),
  },
  defaults: DEFAULTS,
  check,
  name,
  room: "chart",
  View: lazy(() => import("./ScatterPanel")),
  Settings: lazy(() => import("./ScatterSettings")),
});
