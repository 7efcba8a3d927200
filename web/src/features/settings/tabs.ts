import type { ServerInfo } from "@/api/types";

export const SETTINGS_TABS = [
  { tab: "account", label: "Account", for: "user" },
  { tab: "keys", label: "API keys", for: "user" },
  { tab: "links", label: "Share links", for: "user" },
  { tab: "people", label: "People", for: "admin" },
  { tab: "storage", label: "Storage", for: "all" },
  { tab: "activity", label: "Activity", for: "admin" },
] as const;

export type SettingsTab = (typeof SETTINGS_TABS)[number]["tab"];

export function isSettingsTab(text: string): text is SettingsTab {
  return SETTINGS_TABS.some(({ tab }) => tab === text);
}

/** The pages that somebody has: without accounts only what the server holds, people and activity for admins. */
export function tabsFor(session: ServerInfo | undefined) {
  return SETTINGS_TABS.filter(
    (entry) =>
      entry.for === "all" ||
      (entry.for === "user" && Boolean(session?.user)) ||
      (entry.for === "admin" && Boolean(session?.user?.admin)),
  );
}
