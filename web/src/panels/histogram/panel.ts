import { ChartColumn } from "lucide-react";
import { lazy } from "react";
import { sampleName } from "../matrix/sampleSettings";
import { definePanel } from "../registry";
import { check, DEFAULTS, type HistogramSettings } from "./settings";

export const panel = definePanel<HistogramSettings>({
  type: "histogram",
  title: "Histogram of runs",
  icon: ChartColumn,
  recipe: { about: "How many runs have which value.", keys: "none", settings: () => ({}) },
  defaults: DEFAULTS,
  check,
  name: sampleName("Histogram"),
  room: "chart",
  View: lazy(() => import("./HistogramPanel")),
  Settings: lazy(() => import("./HistogramSettings")),
});
