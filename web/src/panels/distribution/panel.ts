import { ChartCandlestick } from "lucide-react";
import { lazy } from "react";
import { sampleName } from "../matrix/sampleSettings";
import { definePanel } from "../registry";
import { check, DEFAULTS, type DistributionSettings } from "./settings";

export const panel = definePanel<DistributionSettings>({
  type: "distribution",
  title: "Box or violin plot",
  icon: ChartCandlestick,
  recipe: {
    about:
      "How a figure is spread over runs, by any setting: quartiles or a density, with every run as a dot.",
    keys: "none",
    settings: () => ({}),
  },
  defaults: DEFAULTS,
  check,
  name: sampleName("Distribution"),
  room: "chart",
  View: lazy(() => import("./DistributionPanel")),
  Settings: lazy(() => import("./DistributionSettings")),
});
