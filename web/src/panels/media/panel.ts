import { Images } from "lucide-react";
import { lazy } from "react";
import { definePanel } from "../registry";
import type { MediaSettings } from "./settings";

export const panel = definePanel<MediaSettings>({
  type: "media",
  title: "Media",
  icon: Images,
  automatic: (info) => info.kind === "media" || info.kind === "text",
  recipe: {
    about: "Images, audio, video, tables, histograms, text: what runs logged under a key, at one step.",
    keys: "one",
    accepts: (info) => info.kind === "media" || info.kind === "text",
    settings: ([key = ""]) => ({ key }),
  },
  defaults: { key: "", together: true },
  check: ({ key, together }) => ({
    ...(typeof key === "string" && key.length <= 1_024 ? { key } : {}),
    ...(typeof together === "boolean" ? { together } : {}),
  }),
  name: ({ key }, info) => info?.key ?? (key || "Media"),
  room: "media",
  // Most projects have charts only; what shows media is loaded by the first that has some.
  View: lazy(() => import("./MediaPanel")),
});
