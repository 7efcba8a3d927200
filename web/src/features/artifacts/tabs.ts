export const VERSION_TABS = [
  { tab: "overview", label: "Overview" },
  { tab: "files", label: "Files" },
  { tab: "lineage", label: "Lineage" },
  { tab: "diff", label: "Differences" },
  { tab: "history", label: "History" },
] as const;

export type VersionTab = (typeof VERSION_TABS)[number]["tab"];

export function isVersionTab(text: string): text is VersionTab {
  return VERSION_TABS.some(({ tab }) => tab === text);
}
