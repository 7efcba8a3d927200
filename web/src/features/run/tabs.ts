export const RUN_TABS = [
  { tab: "overview", label: "Overview" },
  { tab: "charts", label: "Charts" },
  { tab: "media", label: "Media" },
  { tab: "logs", label: "Logs" },
  { tab: "system", label: "System" },
  { tab: "processes", label: "Processes" },
  { tab: "config", label: "Config" },
  { tab: "code", label: "Code" },
  { tab: "files", label: "Files" },
  { tab: "artifacts", label: "Artifacts" },
] as const;

export type RunTab = (typeof RUN_TABS)[number]["tab"];

export function isRunTab(text: string): text is RunTab {
  return RUN_TABS.some(({ tab }) => tab === text);
}
