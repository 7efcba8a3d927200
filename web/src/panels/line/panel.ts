import { ChartLine } from "lucide-react";
import { lazy } from "react";
import { definePanel } from "../registry";
import { LinePanel } from "./LinePanel";
import { check, DEFAULTS, type LineSettings, name, SHARED } from "./settings";

export const panel = definePanel<LineSettings>({
  type: "line",
  title: "Line chart",
  icon: ChartLine,
  automatic: (info) => info.kind === "number" || info.kind === "system",
  recipe: {
    about:
      "One or several metrics over steps or time; also all that match a pattern, or an expression over them.",
    keys: "many",
    settings: (keys) => ({ keys }),
  },
  defaults: DEFAULTS,
  shared: SHARED,
  check,
  name,
  room: "chart",
  View: LinePanel,
  Settings: lazy(() => import("./LineSettings")),
});
