import { ChartSpline } from "lucide-react";
import { lazy } from "react";
import { definePanel } from "../registry";
import { check, DEFAULTS, name, type ParallelSettings } from "./settings";

export const panel = definePanel<ParallelSettings>({
  type: "parallel",
  title: "Parallel coordinates",
  icon: ChartSpline,
  recipe: {
    about: "Every run as a line over its settings and results; drag along an axis to keep only some.",
    keys: "none",
    settings: () => ({}),
  },
  defaults: DEFAULTS,
  check,
  name,
  room: "chart",
  span: { w: 2, h: 1 },
  View: lazy(() => import("./ParallelPanel")),
  Settings: lazy(() => import("./ParallelSettings")),
});
