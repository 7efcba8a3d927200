export type AlertsTab = "raised" | "rules" | "channels";

export function isAlertsTab(text: string): text is AlertsTab {
  return text === "raised" || text === "rules" || text === "channels";
}
