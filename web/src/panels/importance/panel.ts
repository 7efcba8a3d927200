import { Scale } from "lucide-react";
import { lazy } from "react";
import { definePanel } from "../registry";
import { check, DEFAULTS, type ImportanceSettings, name } from "./settings";

export const panel = definePanel<ImportanceSettings>({
  type: "importance",
  title: "Importance",
  icon: Scale,
  recipe: {
    about: "Which settings decide about a metric, and in which direction.",
    keys: "none",
    settings: () => ({}),
  },
  defaults: DEFAULTS,
  check,
  name,
  room: "chart",
  View: lazy(() => import("./ImportancePanel")),
  Settings: lazy(() => import("./ImportanceSettings")),
});
