import { ChartBarBig } from "lucide-react";
import { lazy } from "react";
import { sampleName } from "../matrix/sampleSettings";
import { definePanel } from "../registry";
import { type BarSettings, check, DEFAULTS } from "./settings";

export const panel = definePanel<BarSettings>({
  type: "bar",
  title: "Bar chart",
  icon: ChartBarBig,
  recipe: {
    about: "One bar per run, or per group with its mean and standard deviation.",
    keys: "none",
    settings: () => ({}),
  },
  defaults: DEFAULTS,
  check,
  name: sampleName("Bars"),
  room: "chart",
  View: lazy(() => import("./BarPanel")),
  Settings: lazy(() => import("./BarSettings")),
});
