import { History } from "lucide-react";
import { lazy } from "react";
import { definePanel } from "../registry";
import { check, DEFAULTS, name, type TimelineSettings } from "./settings";

export const panel = definePanel<TimelineSettings>({
  type: "timeline",
  title: "Run history",
  icon: History,
  recipe: {
    about: "A figure over the time at which runs started, with the commits at which its level changed.",
    keys: "none",
    settings: () => ({}),
  },
  defaults: DEFAULTS,
  check,
  name,
  room: "chart",
  span: { w: 2, h: 1 },
  View: lazy(() => import("./TimelinePanel")),
  Settings: lazy(() => import("./TimelineSettings")),
});
