import {
  ArrowDown,
  ArrowUp,
  ChevronDown,
  ChevronRight,
  EyeOff,
  MoreHorizontal,
  Pencil,
  Plus,
  SlidersHorizontal,
  Trash2,
} from "lucide-react";
import { Popover } from "radix-ui";
import { lazy, Suspense, useState } from "react";
import type { Arranged } from "@/state/arrangement";
import {
  addSection,
  editSection,
  freshId,
  moveSection,
  ownSection,
  type PanelSize,
  removeSection,
  showPanels,
} from "@/state/layout";
import { editLayout } from "@/state/view";
import { formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { Menu, MenuCheck, MenuItem, MenuLabel, MenuSeparator } from "@/ui/Menu";
import { useArrangement, useGridUi } from "./arrangementContext";
import { DragHandle } from "./dragging";

const SectionSettings = lazy(() => import("./SectionSettings"));

interface SectionHeadProps {
  arranged: Arranged;
  /** Panels that match the search. */
  count: number;
}

const SIZES: readonly (readonly [PanelSize | null, string])[] = [
  [null, "As the workspace"],
  ["s", "Small panels"],
  ["m", "Medium panels"],
  ["l", "Large panels"],
];
/** Removed panels that a menu lists by name. */
const LISTED = 12;

/** The head of a section: fold, name, how many; and on the right all that can be done with it. */
export function SectionHead({ arranged, count }: SectionHeadProps) {
  const { section, hidden } = arranged;
  const { id, name, open } = section;
  const [renaming, setRenaming] = useState(false);
  return (
    <header className="section-head">
      <DragHandle item={{ kind: "section", id, name }} />
      {renaming ? (
        <NameField arranged={arranged} onDone={() => setRenaming(false)} />
      ) : (
        <button
          type="button"
          className="section-fold"
          aria-expanded={open}
          onClick={() => editLayout((layout) => editSection(layout, section, { open: !open }))}
        >
          {open ? <ChevronDown size={15} /> : <ChevronRight size={15} />}
          <h2>{name}</h2>
          <span className="count">{formatCount(count)}</span>
        </button>
      )}
      {hidden.length > 0 && <HiddenPanels hidden={hidden} />}
      <span className="grow" />
      <span className="section-actions">
        <SectionPopover arranged={arranged} />
        <IconButton label={`Add a panel to ${name}`} onClick={() => useGridUi.setState({ addingTo: id })}>
          <Plus size={15} />
        </IconButton>
        <SectionMenu arranged={arranged} onRename={() => setRenaming(true)} />
      </span>
    </header>
  );
}

function NameField({ arranged: { section }, onDone }: { arranged: Arranged; onDone(): void }) {
  const [text, setText] = useState(section.name);
  const done = () => {
    onDone();
    const name = text.trim();
    if (name && name !== section.name) editLayout((layout) => editSection(layout, section, { name }));
  };
  return (
    <input
      className="text-input section-name"
      aria-label="Name of the section"
      value={text}
      // biome-ignore lint/a11y/noAutofocus: it takes the place of what was just clicked
      autoFocus
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={done}
      onKeyDown={(event) => {
        if (event.key === "Enter") done();
        else if (event.key === "Escape") onDone();
        else return;
        event.stopPropagation();
      }}
    />
  );
}

/** Removed panels are not lost. */
function HiddenPanels({ hidden }: { hidden: readonly string[] }) {
  return (
    <Menu
      align="start"
      trigger={
        <button type="button" className="chip section-hidden">
          <EyeOff size={12} />
          {formatCount(hidden.length)} hidden
        </button>
      }
    >
      <MenuLabel>Bring back</MenuLabel>
      {hidden.slice(0, LISTED).map((key) => (
        <MenuItem key={key} onSelect={() => editLayout((layout) => showPanels(layout, [key]))}>
          {key}
        </MenuItem>
      ))}
      {hidden.length > 1 && (
        <>
          <MenuSeparator />
          <MenuItem onSelect={() => editLayout((layout) => showPanels(layout, hidden))}>
            All {formatCount(hidden.length)}
          </MenuItem>
        </>
      )}
    </Menu>
  );
}

function SectionPopover({ arranged: { section } }: { arranged: Arranged }) {
  const own = Object.keys(section.settings).length;
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button
          type="button"
          className={`icon-button ${own > 0 ? "has-own" : ""}`}
          aria-label={`Settings of ${section.name}`}
          title={own > 0 ? `${own} settings of its own` : "Settings of this section"}
        >
          <SlidersHorizontal size={14} />
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="popover panel-settings"
          align="end"
          sideOffset={6}
          collisionPadding={8}
          aria-label={`Settings of ${section.name}`}
        >
          <Suspense fallback={<p className="list-empty">Loading…</p>}>
            <SectionSettings section={section} />
          </Suspense>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function SectionMenu({ arranged, onRename }: { arranged: Arranged; onRename(): void }) {
  const { section } = arranged;
  const arrangement = useArrangement();
  const shown = () => arrangement().sections.map((other) => other.section.id);
  const shift = (by: number) => {
    const ids = shown();
    editLayout((layout) => moveSection(layout, ids, section.id, ids.indexOf(section.id) + by));
  };
  return (
    <Menu
      trigger={
        <button type="button" className="icon-button" aria-label={`Options of section ${section.name}`}>
          <MoreHorizontal size={15} />
        </button>
      }
    >
      <MenuItem icon={<Pencil size={13} />} onSelect={onRename}>
        Rename
      </MenuItem>
      <MenuItem
        icon={<Plus size={14} />}
        onSelect={() => {
          const id = freshId();
          const ids = shown();
          editLayout((layout) =>
            moveSection(
              addSection(layout, ownSection(id, "New section"), ids),
              [id, ...ids],
              id,
              ids.indexOf(section.id) + 1,
            ),
          );
        }}
      >
        Add section below
      </MenuItem>
      <MenuItem icon={<ArrowUp size={14} />} onSelect={() => shift(-1)}>
        Move up
      </MenuItem>
      <MenuItem icon={<ArrowDown size={14} />} onSelect={() => shift(1)}>
        Move down
      </MenuItem>
      <MenuSeparator />
      {SIZES.map(([size, label]) => (
        <MenuCheck
          key={label}
          checked={section.size === size}
          onChange={() => editLayout((layout) => editSection(layout, section, { size }))}
        >
          {label}
        </MenuCheck>
      ))}
      <MenuSeparator />
      <MenuItem
        icon={section.auto === null ? <Trash2 size={14} /> : <EyeOff size={14} />}
        onSelect={() => editLayout((layout) => removeSection(layout, section))}
      >
        {section.auto === null ? "Remove section" : "Hide section"}
      </MenuItem>
    </Menu>
  );
}
