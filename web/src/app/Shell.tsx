import { Link, Outlet, useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { Keyboard, Moon, Search, Sun } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { RunNav } from "@/features/run/RunNav";
import { ShareButton } from "@/features/share/ShareButton";
import { usePageStatus } from "@/state/pageStatus";
import { toggleTheme, useTheme } from "@/state/theme";
import { IconButton } from "@/ui/IconButton";
import { Logo } from "@/ui/Logo";
import { MiddleEllipsis } from "@/ui/MiddleEllipsis";
import { bindKeys } from "@/ui/shortcuts";
import { Notices } from "./Notices";
import { ProjectNav } from "./ProjectNav";
import { ShortcutList } from "./ShortcutList";
import { UserMenu } from "./UserMenu";

const CommandPalette = lazy(() => import("./CommandPalette"));

/** Top bar and the open page. */
export function Shell() {
  const params: { entity?: string; project?: string; run_id?: string; run_key?: string } = useParams({
    strict: false,
  });
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  const [palette, setPalette] = useState(false);
  const { entity, project } = params;

  useEffect(
    () =>
      bindKeys({
        t: toggleTheme,
        "?": () => setHelp(true),
        "Ctrl K": () => setPalette((open) => !open),
        "g p": () => void navigate({ to: "/" }),
        "g t": () => {
          if (entity && project) void navigate({ to: "/$entity/$project/runs", params: { entity, project } });
        },
        "g w": () => {
          if (entity && project) void navigate({ to: "/$entity/$project", params: { entity, project } });
        },
      }),
    [navigate, entity, project],
  );

  return (
    <div className="app">
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <TopBar {...params} onHelp={() => setHelp(true)} onPalette={() => setPalette(true)} />
      <Notices />
      <Outlet />
      <ShortcutList open={help} onClose={() => setHelp(false)} />
      {palette && (
        <Suspense>
          <CommandPalette
            entity={entity}
            project={project}
            runId={params.run_id}
            onHelp={() => setHelp(true)}
            onClose={() => setPalette(false)}
          />
        </Suspense>
      )}
    </div>
  );
}

interface TopBarProps {
  entity?: string;
  project?: string;
  run_id?: string;
  /** Of a run that was opened by its share link. */
  run_key?: string;
  onHelp(): void;
  onPalette(): void;
}

function TopBar({ entity, project, run_id, run_key, onHelp, onPalette }: TopBarProps) {
  const theme = useTheme((store) => store.name);
  const runName = usePageStatus((store) => store.runName);
  const settings = useLocation({ select: ({ pathname }) => /(^|\/)settings\//.test(pathname) });
  return (
    <header className="top-bar">
      <Link to="/" aria-label="All projects" className="home">
        <Logo size={22} />
      </Link>
      <nav className="crumbs" aria-label="Breadcrumb">
        {entity && project ? (
          <>
            <Link to="/">{entity}</Link>
            <span aria-hidden="true">/</span>
            <Link to="/$entity/$project" params={{ entity, project }} className="crumb-project">
              {project}
            </Link>
            {run_id && (
              <>
                <span aria-hidden="true">/</span>
                <span className="crumb-run" title={run_id}>
                  <MiddleEllipsis text={runName ?? run_id} />
                </span>
              </>
            )}
          </>
        ) : (
          <span className="crumb-project">{run_key ? runName : settings ? "Settings" : "Projects"}</span>
        )}
      </nav>
      {entity && project && !run_id && <ProjectNav entity={entity} project={project} />}
      {entity && project && run_id && <RunNav entity={entity} project={project} runId={run_id} />}
      {run_key && <RunNav runKey={run_key} />}
      <span className="grow" />
      {entity && project && !run_id && <ShareButton entity={entity} project={project} />}
      <LiveBadge />
      <IconButton label="Search and commands" hint="Ctrl K" onClick={onPalette}>
        <Search size={16} />
      </IconButton>
      <IconButton label="Keyboard shortcuts" hint="?" onClick={onHelp} className="wide-only">
        <Keyboard size={16} />
      </IconButton>
      <IconButton label={theme === "dark" ? "Light theme" : "Dark theme"} hint="t" onClick={toggleTheme}>
        {theme === "dark" ? <Sun size={16} /> : <Moon size={16} />}
      </IconButton>
      <UserMenu />
    </header>
  );
}

/** How many runs are running, or why nothing moves. */
function LiveBadge() {
  const { status, running } = usePageStatus();
  if (status === null) return null;
  if (status === "offline") {
    return (
      <span
        className="live-badge offline"
        role="status"
        title="The server does not answer. The page tries again every five seconds."
      >
        <i />
        offline
      </span>
    );
  }
  if (running === 0) return null;
  return (
    <span
      className="live-badge"
      title={status === "polling" ? "Asked every five seconds" : "Updated as it happens"}
    >
      <i />
      {running} running
    </span>
  );
}
