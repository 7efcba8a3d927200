export const RUN_TABS = [
  { tab: "overview", label: "Overview" },
  { tab: "charts", label: "Charts" },
  { tab: "system", label: "System" },
] as const;

export type RunTab = (typeof RUN_TABS)[number]["tab"];

export function isRunTab(text: string): text is RunTab {
  return RUN_TABS.some(({ tab }) => tab === text);
}
