import type { PanelType } from "../registry";
import { LinePanel } from "./LinePanel";

export const panel: PanelType = {
  type: "line",
  accepts: (info) => info.kind === "number" || info.kind === "system",
  room: "chart",
  View: LinePanel,
};
