import { Hash } from "lucide-react";
import { lazy } from "react";
import { definePanel } from "../registry";
import { check, DEFAULTS, name, type ScalarSettings } from "./settings";

export const panel = definePanel<ScalarSettings>({
  type: "scalar",
  title: "Scalar",
  icon: Hash,
  recipe: {
    about: "One number, large: the best, the newest or the mean, and how far it is from the baseline.",
    keys: "none",
    settings: () => ({}),
  },
  defaults: DEFAULTS,
  check,
  name,
  room: "chart",
  View: lazy(() => import("./ScalarPanel")),
  Settings: lazy(() => import("./ScalarSettings")),
});
