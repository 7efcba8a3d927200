import { lazy, type ReactNode, Suspense, useCallback, useMemo, useRef } from "react";
import type { KeyInfo } from "@/api/types";
import { settle } from "@/panels/cascade";
import { ConfigKeysContext, KeysContext } from "@/panels/cast";
import { MediaKeysContext } from "@/panels/media/mediaKeys";
import { panelFor, panelType } from "@/panels/registry";
import { type Arrangement, arrange, type Entry, panelOf } from "@/state/arrangement";
import { automaticSection, prefixOf, type Section } from "@/state/layout";
import { changeView, useView } from "@/state/view";
import { Dialog } from "@/ui/Dialog";
import { ArrangementContext, useGridUi } from "./arrangementContext";
import { keyMatcher } from "./sections";
import { Toolbar } from "./Toolbar";

// Asked for at once, so that they are here when the first keys are.
const coming = import("./Sections");
const Sections = lazy(() => coming);
const PanelHost = lazy(() => import("./PanelHost").then((module) => ({ default: module.PanelHost })));
const AddPanel = lazy(() => import("./AddPanel"));

interface PanelGridProps {
  keys: readonly KeyInfo[];
  configKeys?: readonly string[];
  /** Narrows the grid to these keys, e.g. the machine's on the system page. */
  accept?: (info: KeyInfo) => boolean;
  /** Whether there may be charts, whose axes can be set. */
  charts?: boolean;
  shownRuns: number | null;
  onRuns?: (() => void) | undefined;
  sidebarHidden?: boolean;
  loading: boolean;
  empty: ReactNode;
  /** The menu of saved views, where the page has some. */
  views?: ReactNode;
}

const NO_KEYS: readonly string[] = [];

/** Toolbar and panels in their sections. The same grid serves the workspace and the run page. */
export function PanelGrid({
  keys,
  configKeys = NO_KEYS,
  accept,
  charts = true,
  shownRuns,
  onRuns,
  sidebarHidden = false,
  loading,
  empty,
  views,
}: PanelGridProps) {
  const pattern = useView((view) => view.panelSearch);
  const regex = useView((view) => view.panelRegex);
  const size = useView((view) => view.size);
  const layout = useView((view) => view.layout);
  const open = useView((view) => view.panel);
  const addingTo = useGridUi((ui) => ui.addingTo);
  const drawable = useMemo(
    () => keys.filter((info) => !info.hidden && panelFor(info) !== null && (accept?.(info) ?? true)),
    [keys, accept],
  );
  const arrangement = useMemo(() => arrange(layout, drawable, typeOf), [layout, drawable]);
  const latest = useRef(arrangement);
  latest.current = arrangement;
  const read = useCallback(() => latest.current, []);
  const matcher = useMemo(() => keyMatcher(pattern, regex), [pattern, regex]);
  // While a pattern is being typed and is not yet valid, nothing disappears.
  const shown = useMemo(
    () => (matcher && pattern ? narrowed(arrangement, matcher) : arrangement),
    [arrangement, matcher, pattern],
  );
  const matching = useMemo(() => countOf(shown), [shown]);
  const panels = useMemo(() => countOf(arrangement), [arrangement]);
  const mediaKeys = useMemo(
    () => drawable.filter((info) => panelFor(info)?.room === "media").map((info) => info.key),
    [drawable],
  );
  const opened = useMemo(
    () => (open === null ? null : findEntry(arrangement, keys, open)),
    [arrangement, keys, open],
  );
  const waiting = <div className="sections-waiting" />;
  return (
    <KeysContext value={keys}>
      <ConfigKeysContext value={configKeys}>
        <MediaKeysContext value={mediaKeys}>
          <ArrangementContext value={read}>
            <Toolbar
              keys={keys}
              charts={charts}
              matching={matching}
              searchBroken={matcher === null}
              shownRuns={shownRuns}
              onRuns={onRuns}
              sidebarHidden={sidebarHidden}
              views={views}
            />
            <div className={`sections size-${size}`}>
              <Suspense fallback={waiting}>
                {(panels > 0 || arrangement.sections.length > 0) && <Sections shown={shown} read={read} />}
              </Suspense>
              {!loading && panels === 0 && arrangement.sections.length === 0 && empty}
              {panels > 0 && matching === 0 && <NothingMatches pattern={pattern} regex={regex} />}
            </div>
            <Dialog
              title={opened ? nameOf(opened.entry) : "Panel"}
              open={opened !== null}
              onClose={() => changeView({ panel: null })}
              size="full"
              hideTitle
            >
              {opened && (
                <Suspense fallback={waiting}>
                  <PanelHost entry={opened.entry} section={opened.section} fullScreen />
                </Suspense>
              )}
            </Dialog>
            {addingTo !== null && (
              <Suspense>
                <AddPanel sectionId={addingTo} />
              </Suspense>
            )}
          </ArrangementContext>
        </MediaKeysContext>
      </ConfigKeysContext>
    </KeysContext>
  );
}

function NothingMatches({ pattern, regex }: { pattern: string; regex: boolean }) {
  return (
    <div className="empty">
      <b>No panel matches “{pattern}”</b>
      <span>
        {regex ? "Keys are matched as a regular expression, e.g. loss|acc." : "Keys are matched as text."}
      </span>
      <button type="button" className="button" onClick={() => changeView({ panelSearch: "" })}>
        Clear search
      </button>
    </div>
  );
}

function typeOf(info: KeyInfo): string | null {
  return panelFor(info)?.type ?? null;
}

/** What a panel is called. */
function nameOf(entry: Entry): string {
  const panel = panelOf(entry);
  const type = panelType(panel.type);
  return (
    panel.title ?? (type ? type.name(settle(type, {}, {}, panel.settings).settings, entry.info) : panel.id)
  );
}

/** The arrangement with only the panels whose key or name matches; sections that have none are left out. */
function narrowed(arrangement: Arrangement, matches: (key: string) => boolean): Arrangement {
  const sections = arrangement.sections.flatMap((arranged) => {
    const entries = arranged.entries.filter(
      (entry) => matches(entry.id) || (entry.stored !== null && matches(nameOf(entry))),
    );
    return entries.length > 0 ? [{ ...arranged, entries }] : [];
  });
  return { sections, removed: [] };
}

function countOf({ sections }: Arrangement): number {
  return sections.reduce((count, { entries }) => count + entries.length, 0);
}

/** A panel by its id, also one that the search hides or that was removed: a link to it still opens it. */
function findEntry(
  arrangement: Arrangement,
  keys: readonly KeyInfo[],
  id: string,
): { entry: Entry; section: Section } | null {
  for (const { section, entries } of arrangement.sections) {
    const entry = entries.find((candidate) => candidate.id === id);
    if (entry) return { entry, section };
  }
  const info = keys.find(({ key }) => key === id);
  const type = info && typeOf(info);
  if (!info || !type) return null;
  return { entry: { id, info, stored: null, type }, section: automaticSection(prefixOf(id)) };
}
