import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { sessionQuery } from "@/api/queries";
import { ErrorNote } from "@/ui/ErrorNote";
import { useTitle } from "@/ui/useTitle";
import { AccountPage } from "./AccountPage";
import { ActivityPage } from "./ActivityPage";
import { KeysPage } from "./KeysPage";
import { LinksPage } from "./LinksPage";
import { PeoplePage } from "./PeoplePage";
import { StoragePage } from "./StoragePage";
import { type SettingsTab, tabsFor } from "./tabs";

const PAGES: Record<SettingsTab, () => React.ReactNode> = {
  account: AccountPage,
  keys: KeysPage,
  links: LinksPage,
  people: PeoplePage,
  storage: StoragePage,
  activity: ActivityPage,
};

/** Oneself, the people, and what the server holds. */
export function SettingsPage({ tab }: { tab: SettingsTab }) {
  const session = useQuery(sessionQuery);
  const tabs = tabsFor(session.data);
  const label = tabs.find((entry) => entry.tab === tab)?.label;
  useTitle(label ?? "Settings");
  if (session.error) return <ErrorNote error={session.error} />;
  if (!session.data) return <main id="main" className="page" aria-busy="true" />;
  const Page = PAGES[tab];
  return (
    <main id="main" className="page settings">
      <nav className="settings-tabs" aria-label="Settings">
        {tabs.map((entry) => (
          <Link
            key={entry.tab}
            to="/settings/$tab"
            params={{ tab: entry.tab }}
            activeProps={{ "aria-current": "page" }}
          >
            {entry.label}
          </Link>
        ))}
      </nav>
      <h1 className="visually-hidden">{label ?? "Settings"}</h1>
      {label ? (
        <Page />
      ) : (
        <ErrorNote error={new Error("This page is for those who run the server, or needs an account.")} />
      )}
    </main>
  );
}
