import { ChevronLeft, ChevronRight, EyeOff } from "lucide-react";
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { settle } from "@/panels/cascade";
import { panelType } from "@/panels/registry";
import { type Arranged, type Arrangement, type Entry, panelOf } from "@/state/arrangement";
import { editSection, ONE_CELL, type PanelSize, type Section, type Span } from "@/state/layout";
import { editLayout, useView } from "@/state/view";
import { formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { isNearWindow } from "@/ui/useInView";
import { useSize } from "@/ui/useSize";
import type { ReadArrangement } from "./arrangementContext";
import { Dragging, DragHandle, type Item, useDropPlace, useMarkOf } from "./dragging";
import { PanelHost } from "./PanelHost";
import { ResizeCorner } from "./ResizeCorner";
import { SectionHead } from "./SectionHead";
import { columnsOf, GAP_PX } from "./sizes";

/** Panels that stand on one page of a section: with a hundred thousand keys nobody scrolls to the end. */
const PAGE = 48;
/** Sections that are there at once; the rest comes on request. */
const SECTIONS = 60;

interface SectionsProps {
  /** What is shown: the arrangement, narrowed by the search. */
  shown: Arrangement;
  read: ReadArrangement;
}

/** All sections with their panels. */
export default function Sections({ shown, read }: SectionsProps) {
  const [limit, setLimit] = useState(SECTIONS);
  const [host, size] = useSize<HTMLDivElement>();
  const [first, setFirst] = useState(0);
  useLayoutEffect(() => setFirst(host.current?.clientWidth ?? 0), [host]);
  const width = size.width || first;
  const rest = shown.sections.length - limit;
  return (
    <Dragging arrangement={read}>
      <div ref={host} className="sections-width" />
      {width > 0 &&
        shown.sections
          .slice(0, limit)
          .map((arranged) => <PanelSection key={arranged.section.id} arranged={arranged} width={width} />)}
      {rest > 0 && (
        <button type="button" className="button more-sections" onClick={() => setLimit(limit + SECTIONS)}>
          {formatCount(rest)} more sections
        </button>
      )}
      {shown.removed.length > 0 && <RemovedSections sections={shown.removed} />}
    </Dragging>
  );
}

function RemovedSections({ sections }: { sections: readonly Section[] }) {
  const [open, setOpen] = useState(false);
  return (
    <div className="removed-sections">
      <button type="button" className="chip" aria-expanded={open} onClick={() => setOpen(!open)}>
        <EyeOff size={12} />
        {formatCount(sections.length)} hidden {sections.length === 1 ? "section" : "sections"}
      </button>
      {open &&
        sections.map((section) => (
          <button
            type="button"
            key={section.id}
            className="chip on"
            aria-label={`Show section ${section.name}`}
            onClick={() => editLayout((layout) => editSection(layout, section, { hidden: false }))}
          >
            {section.name}
          </button>
        ))}
    </div>
  );
}

const ROOMS = ["chart", "media"] as const;
type Room = (typeof ROOMS)[number];

function roomOf(entry: Entry): Room {
  return panelType(entry.stored?.type ?? entry.type)?.room ?? "chart";
}

const PanelSection = memo(function PanelSection({ arranged, width }: { arranged: Arranged; width: number }) {
  const { section, entries } = arranged;
  const workspaceSize = useView((view) => view.size);
  const size = section.size ?? workspaceSize;
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(entries.length / PAGE));
  const at = Math.min(page, pages - 1);
  const place = useDropPlace({ kind: "section", id: section.id, name: section.name });
  const mark = useMarkOf(section.id);
  const visible = useMemo(() => entries.slice(at * PAGE, (at + 1) * PAGE), [entries, at]);
  return (
    <section
      ref={place}
      aria-label={section.name}
      data-section={section.id}
      className={`size-${size} ${mark ? `drop-${mark}` : ""}`}
    >
      <SectionHead arranged={arranged} count={entries.length} />
      {section.open &&
        ROOMS.map((room) => {
          const inRoom = visible.filter((entry) => roomOf(entry) === room);
          return (
            inRoom.length > 0 && (
              <PanelRoom
                key={room}
                room={room}
                entries={inRoom}
                section={section}
                size={size}
                width={width}
              />
            )
          );
        })}
      {section.open && entries.length === 0 && (
        <p className="section-empty">No panels yet. Add one with +, or drag one here.</p>
      )}
      {section.open && pages > 1 && (
        <nav className="pager" aria-label={`Pages of ${section.name}`}>
          <IconButton label="Previous page" disabled={at === 0} onClick={() => setPage(at - 1)}>
            <ChevronLeft size={15} />
          </IconButton>
          <span>
            {formatCount(at * PAGE + 1)}–{formatCount(Math.min(entries.length, (at + 1) * PAGE))} of{" "}
            {formatCount(entries.length)}
          </span>
          <IconButton label="Next page" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
            <ChevronRight size={15} />
          </IconButton>
        </nav>
      )}
    </section>
  );
});

interface PanelRoomProps {
  room: Room;
  entries: readonly Entry[];
  section: Section;
  size: PanelSize;
  width: number;
}

function PanelRoom({ room, entries, section, size, width }: PanelRoomProps) {
  const columns = columnsOf(width, size, room);
  return (
    <div
      className={`grid ${room}-grid`}
      style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
    >
      {entries.map((entry) => (
        <Cell
          key={entry.id}
          entry={entry}
          section={section}
          room={room}
          columns={columns}
          gap={GAP_PX[size]}
        />
      ))}
    </div>
  );
}

interface CellProps {
  entry: Entry;
  section: Section;
  room: Room;
  columns: number;
  gap: number;
}

/** Panels are made when they come this near to the window; until then their place is kept. */
const NEAR_PX = 700;

const Cell = memo(function Cell({ entry, section, room, columns, gap }: CellProps) {
  const cell = useRef<HTMLDivElement>(null);
  const [preview, setPreview] = useState<Span | null>(null);
  const near = useNear(cell);
  const panel = panelOf(entry);
  const type = panelType(panel.type);
  const span = preview ?? panel.span ?? type?.span ?? ONE_CELL;
  const name =
    panel.title ?? (type ? type.name(settle(type, {}, {}, panel.settings).settings, entry.info) : panel.id);
  const item = useMemo(
    (): Item => ({ kind: "panel", id: entry.id, name, sectionId: section.id, room, panel }),
    [entry.id, name, section.id, room, panel],
  );
  const place = useDropPlace(item);
  const mark = useMarkOf(entry.id);
  const handle = useMemo(() => <DragHandle item={item} />, [item]);
  const corner = useMemo(
    () => (
      <ResizeCorner
        panel={panel}
        name={name}
        cell={cell}
        columns={columns}
        gap={gap}
        onPreview={setPreview}
      />
    ),
    [panel, name, columns, gap],
  );
  return (
    <div
      ref={(node) => {
        cell.current = node;
        place(node);
      }}
      className={`cell ${mark ? `drop-${mark}` : ""} ${preview ? "resizing" : ""}`}
      style={
        {
          gridColumn: `span ${Math.min(span.w, columns)}`,
          gridRow: `span ${span.h}`,
          "--rows": span.h,
        } as React.CSSProperties
      }
    >
      {near ? (
        <PanelHost entry={entry} section={section} fullScreen={false} handle={handle} corner={corner} />
      ) : (
        <article className="panel panel-coming" data-panel={entry.id} aria-label={name} />
      )}
    </div>
  );
});

/** Whether an element has once been near the window. */
function useNear(ref: React.RefObject<HTMLElement | null>): boolean {
  const [near, setNear] = useState(false);
  useLayoutEffect(() => {
    if (ref.current && isNearWindow(ref.current, NEAR_PX)) setNear(true);
  }, [ref]);
  useEffect(() => {
    const node = ref.current;
    if (!node || near) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry?.isIntersecting) return;
        setNear(true);
        observer.disconnect();
      },
      { rootMargin: `${NEAR_PX}px` },
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, [ref, near]);
  return near;
}
