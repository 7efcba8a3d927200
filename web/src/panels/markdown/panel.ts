import { Type } from "lucide-react";
import { lazy } from "react";
import { definePanel } from "../registry";
import { check, DEFAULTS, type MarkdownSettings, name } from "./settings";

export const panel = definePanel<MarkdownSettings>({
  type: "markdown",
  title: "Text",
  icon: Type,
  recipe: { about: "Your own words between the charts, as Markdown.", keys: "none", settings: () => ({}) },
  defaults: DEFAULTS,
  check,
  name,
  room: "chart",
  View: lazy(() => import("./MarkdownPanel")),
  Settings: lazy(() => import("./MarkdownSettings")),
});
