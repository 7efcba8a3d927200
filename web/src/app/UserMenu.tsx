import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { HardDrive, KeyRound, LogOut, ScrollText, User, Users } from "lucide-react";
import { endSession, sessionQuery } from "@/api/queries";
import type { SettingsTab } from "@/features/settings/tabs";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";

/** Who is signed in, and the pages about people and the server. */
export function UserMenu() {
  const navigate = useNavigate();
  const session = useQuery(sessionQuery);
  if (!session.data || session.data.kind === "share" || session.data.kind === "anyone") return null;
  const { user } = session.data;
  const open = (tab: SettingsTab) => () => void navigate({ to: "/settings/$tab", params: { tab } });
  const shown = user ? user.display_name || user.name : "Server";
  return (
    <Menu
      trigger={
        <button type="button" className="user-button" aria-label={user ? `Menu of ${shown}` : "Server menu"}>
          {user ? initials(shown) : <HardDrive size={15} />}
        </button>
      }
    >
      {user && (
        <div className="menu-head">
          <b>{shown}</b>
          <span className="muted">
            {user.name}
            {user.admin ? " · admin" : ""}
          </span>
        </div>
      )}
      {user && (
        <>
          <MenuItem icon={<User size={14} />} onSelect={open("account")}>
            Account
          </MenuItem>
          <MenuItem icon={<KeyRound size={14} />} onSelect={open("keys")}>
            API keys
          </MenuItem>
        </>
      )}
      <MenuItem icon={<HardDrive size={14} />} onSelect={open("storage")}>
        Storage
      </MenuItem>
      {user?.admin && (
        <>
          <MenuItem icon={<Users size={14} />} onSelect={open("people")}>
            People
          </MenuItem>
          <MenuItem icon={<ScrollText size={14} />} onSelect={open("activity")}>
            Activity
          </MenuItem>
        </>
      )}
      <MenuSeparator />
      <MenuItem icon={<LogOut size={14} />} onSelect={() => void endSession()}>
        {user ? "Sign out" : "End this browser's session"}
      </MenuItem>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [name];
  return letters
    .map((word) => Array.from(word ?? "")[0] ?? "")
    .join("")
    .toUpperCase();
}
