import { ChevronDown, ChevronRight } from "lucide-react";
import { memo, Suspense, useMemo } from "react";
import type { KeyInfo } from "@/api/types";
import { MediaKeysContext } from "@/panels/media/mediaKeys";
import { panelFor } from "@/panels/registry";
import { changeView, useView } from "@/state/view";
import { Dialog } from "@/ui/Dialog";
import { keyMatcher, type Section, sectionsOf } from "./sections";
import { Toolbar } from "./Toolbar";

interface PanelGridProps {
  keys: readonly KeyInfo[];
  /** Narrows the grid to these keys, e.g. the machine's on the system page. */
  accept?: (info: KeyInfo) => boolean;
  /** Whether there may be charts, whose axes can be set. */
  charts?: boolean;
  shownRuns: number | null;
  onRuns?: (() => void) | undefined;
  sidebarHidden?: boolean;
  loading: boolean;
  empty: React.ReactNode;
}

/** Toolbar and panels: one section per key prefix. The same grid serves the workspace and the run page. */
export function PanelGrid({
  keys,
  accept,
  charts = true,
  shownRuns,
  onRuns,
  sidebarHidden = false,
  loading,
  empty,
}: PanelGridProps) {
  const pattern = useView((view) => view.panelSearch);
  const regex = useView((view) => view.panelRegex);
  const size = useView((view) => view.size);
  const open = useView((view) => view.panel);
  const drawable = useMemo(
    () => keys.filter((info) => !info.hidden && panelFor(info) !== null && (accept?.(info) ?? true)),
    [keys, accept],
  );
  const matcher = useMemo(() => keyMatcher(pattern, regex), [pattern, regex]);
  // While a pattern is being typed and is not yet valid, nothing disappears.
  const matching = useMemo(
    () => (matcher ? drawable.filter((info) => matcher(info.key)) : drawable),
    [drawable, matcher],
  );
  const sections = useMemo(() => sectionsOf(matching), [matching]);
  const mediaKeys = useMemo(
    () => drawable.filter((info) => panelFor(info)?.room === "media").map((info) => info.key),
    [drawable],
  );
  const opened = keys.find((info) => info.key === open);
  return (
    <MediaKeysContext value={mediaKeys}>
      <Toolbar
        keys={keys}
        charts={charts}
        matching={matching.length}
        searchBroken={matcher === null}
        shownRuns={shownRuns}
        onRuns={onRuns}
        sidebarHidden={sidebarHidden}
      />
      <div className={`sections size-${size}`}>
        {sections.map((section) => (
          <PanelSection key={section.name} section={section} />
        ))}
        {!loading && drawable.length === 0 && empty}
        {drawable.length > 0 && matching.length === 0 && (
          <div className="empty">
            <b>No panel matches “{pattern}”</b>
            <span>
              {regex
                ? "Keys are matched as a regular expression, e.g. loss|acc."
                : "Keys are matched as text."}
            </span>
            <button type="button" className="button" onClick={() => changeView({ panelSearch: "" })}>
              Clear search
            </button>
          </div>
        )}
      </div>
      <Dialog
        title={opened?.key ?? "Panel"}
        open={opened !== undefined}
        onClose={() => changeView({ panel: null })}
        size="full"
        hideTitle
      >
        {opened && <PanelView info={opened} fullScreen />}
      </Dialog>
    </MediaKeysContext>
  );
}

const ROOMS = ["chart", "media"] as const;

const PanelSection = memo(function PanelSection({ section }: { section: Section }) {
  const id = `section:${section.name}`;
  const collapsed = useView((view) => view.collapsed);
  const folded = collapsed.includes(id);
  return (
    <section aria-label={section.name}>
      <header className="section-head">
        <button
          type="button"
          aria-expanded={!folded}
          onClick={() =>
            changeView({ collapsed: folded ? collapsed.filter((other) => other !== id) : [...collapsed, id] })
          }
        >
          {folded ? <ChevronRight size={15} /> : <ChevronDown size={15} />}
          <h2>{section.name}</h2>
          <span className="count">{section.keys.length}</span>
        </button>
      </header>
      {!folded &&
        ROOMS.map((room) => {
          const keys = section.keys.filter((info) => panelFor(info)?.room === room);
          return (
            keys.length > 0 && (
              <div key={room} className={`grid ${room}-grid`}>
                {keys.map((info) => (
                  <PanelView key={info.key} info={info} fullScreen={false} />
                ))}
              </div>
            )
          );
        })}
    </section>
  );
});

const PanelView = memo(function PanelView({ info, fullScreen }: { info: KeyInfo; fullScreen: boolean }) {
  const View = panelFor(info)?.View;
  return View ? (
    <Suspense fallback={<article className="panel panel-coming" data-panel={info.key} />}>
      <View info={info} fullScreen={fullScreen} />
    </Suspense>
  ) : null;
});
