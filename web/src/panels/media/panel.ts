import { lazy } from "react";
import type { PanelType } from "../registry";

export const panel: PanelType = {
  type: "media",
  accepts: (info) => info.kind === "media" || info.kind === "text",
  room: "media",
  // Most projects have charts only; what shows media is loaded by the first that has some.
  View: lazy(() => import("./MediaPanel")),
};
