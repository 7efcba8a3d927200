import { Check, Search } from "lucide-react";
import { type KeyboardEvent, useMemo, useState } from "react";
import type { KeyInfo } from "@/api/types";
import { useKeys } from "@/panels/cast";
import { type PanelType, panelTypes } from "@/panels/registry";
import { compareKeys, sortedKeys } from "@/state/arrangement";
import {
  addPanel,
  addSection,
  freshId,
  type Layout,
  ownSection,
  type Panel,
  type Settings,
} from "@/state/layout";
import { editLayout } from "@/state/view";
import { Dialog } from "@/ui/Dialog";
import { formatCount } from "@/ui/humanize";
import { type ReadArrangement, sectionById, useArrangement, useGridUi } from "./arrangementContext";
import { keyMatcher } from "./sections";

const isDrawable = (info: KeyInfo) => info.kind === "number" || info.kind === "system";

/** Keys listed at once; the rest is found by typing. */
const LISTED = 200;
const OWN_SECTION = "My panels";

/** Chooses a type of panel and what it shows. */
export default function AddPanel({ sectionId }: { sectionId: string }) {
  const arrangement = useArrangement();
  const types = useMemo(() => panelTypes.filter(({ recipe }) => recipe).sort(byRank), []);
  const [type, setType] = useState<PanelType | undefined>(types[0]);
  const close = () => useGridUi.setState({ addingTo: null });
  const target = sectionById(arrangement(), sectionId);
  const add = (keys: readonly string[], extra: Settings = {}) => {
    if (!type?.recipe) return;
    const panel: Panel = {
      id: freshId(),
      type: type.type,
      ...(type.span ? { span: type.span } : {}),
      settings: { ...(type.recipe.settings(keys) as Settings), ...extra },
    };
    editLayout((layout) => withPanel(layout, panel, sectionId, arrangement));
    useGridUi.setState({ addingTo: null, settingsOf: type.recipe.keys === "none" ? panel.id : null });
    revealPanel(panel.id);
  };
  const { recipe } = type ?? {};
  return (
    <Dialog
      title={target ? `Add a panel to ${target.section.name}` : "Add a panel"}
      open
      onClose={close}
      size="wide"
    >
      <div className="add-panel">
        <div className="add-types" role="radiogroup" aria-label="Type of panel">
          {types.map((candidate) => (
            // biome-ignore lint/a11y/useSemanticElements: a card with icon and text; a radio input has no such look
            <button
              type="button"
              key={candidate.type}
              role="radio"
              aria-checked={candidate === type}
              onClick={() => setType(candidate)}
            >
              <candidate.icon size={16} />
              {candidate.title}
            </button>
          ))}
        </div>
        <div className="add-what">
          <p className="muted">{recipe?.about}</p>
          {recipe && type && recipe.keys !== "none" && (
            <KeyChooser
              key={type.type}
              many={recipe.keys === "many"}
              accepts={recipe.accepts ?? isDrawable}
              pattern={"pattern" in type.defaults}
              onAdd={add}
            />
          )}
          {recipe?.keys === "none" && (
            <footer>
              <span className="grow" />
              <button type="button" className="button primary" onClick={() => add([])}>
                Add panel
              </button>
            </footer>
          )}
        </div>
      </div>
    </Dialog>
  );
}

const ORDER = [
  "line",
  "scatter",
  "parallel",
  "bar",
  "box",
  "violin",
  "histogram",
  "scalar",
  "importance",
  "timeline",
];

function byRank(a: PanelType, b: PanelType): number {
  const rank = ({ type }: PanelType) => (ORDER.includes(type) ? ORDER.indexOf(type) : ORDER.length);
  return rank(a) - rank(b) || compareKeys(a.title, b.title);
}

interface KeyChooserProps {
  many: boolean;
  accepts(info: KeyInfo): boolean;
  /** The type can also show all that match a pattern. */
  pattern: boolean;
  onAdd(keys: readonly string[], extra?: Settings): void;
}

function KeyChooser({ many, accepts, pattern, onAdd }: KeyChooserProps) {
  const keys = useKeys();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [active, setActive] = useState(0);
  const expression = pattern && text.trimStart().startsWith("=");
  const found = useMemo(() => {
    const matches = expression
      ? () => true
      : (keyMatcher(text.trim(), true) ?? keyMatcher(text.trim(), false));
    return sortedKeys(keys)
      .filter((info) => !info.hidden && accepts(info) && matches?.(info.key))
      .map(({ key }) => key);
  }, [keys, accepts, text, expression]);
  const listed = found.slice(0, LISTED);

  const toggle = (key: string) => {
    if (!many) onAdd([key]);
    else setChosen(chosen.includes(key) ? chosen.filter((other) => other !== key) : [...chosen, key]);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const key = listed[active];
    if (step) setActive(Math.max(0, Math.min(listed.length - 1, active + step)));
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && chosen.length > 0) onAdd(chosen);
    else if (event.key === "Enter" && expression) onAdd([text.trim()]);
    else if (event.key === "Enter" && key) toggle(key);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div className="field">
        <Search size={14} aria-hidden="true" />
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls="add-keys"
          aria-activedescendant={listed[active] ? `add-key-${active}` : undefined}
          aria-label="Search metrics"
          placeholder={pattern ? "Search metrics, or = for an expression" : "Search"}
          // biome-ignore lint/a11y/noAutofocus: the dialog is opened to search
          autoFocus
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
        <span className="field-count">{formatCount(found.length)}</span>
      </div>
      <div
        className="picker-list add-keys"
        role="listbox"
        id="add-keys"
        aria-label="Metrics"
        aria-multiselectable={many}
        tabIndex={-1}
      >
        {listed.map((key, index) => (
          <div
            key={key}
            id={`add-key-${index}`}
            role="option"
            tabIndex={-1}
            className={`picker-option ${index === active ? "active" : ""}`}
            aria-selected={chosen.includes(key)}
            onPointerMove={() => setActive(index)}
            onClick={() => toggle(key)}
            onKeyDown={onKeyDown}
          >
            <i>{chosen.includes(key) && <Check size={14} />}</i>
            <span>{key}</span>
          </div>
        ))}
        {listed.length === 0 && <p className="list-empty">Nothing found.</p>}
      </div>
      <footer>
        <span className="muted">
          {many && chosen.length > 0 && `${chosen.length} in one panel`}
          {found.length > LISTED && ` ${formatCount(found.length - LISTED)} more; type to narrow.`}
        </span>
        <span className="grow" />
        {expression ? (
          <button type="button" className="button primary" onClick={() => onAdd([text.trim()])}>
            Add expression
          </button>
        ) : (
          <>
            {pattern && text.trim() !== "" && keyMatcher(text.trim(), true) && (
              <button
                type="button"
                className="button"
                title="Metrics that are logged later and match join by themselves"
                onClick={() => onAdd([], { pattern: text.trim() })}
              >
                One panel of all that match
              </button>
            )}
            {many && (
              <button
                type="button"
                className="button primary"
                disabled={chosen.length === 0}
                onClick={() => onAdd(chosen)}
              >
                Add panel
              </button>
            )}
          </>
        )}
      </footer>
    </>
  );
}

/** Puts a panel where it was asked for: a section, or the first that people made, or a new one on top. */
function withPanel(layout: Layout, panel: Panel, sectionId: string, arrangement: ReadArrangement): Layout {
  const now = arrangement();
  const home =
    sectionById(now, sectionId) ?? now.sections.find(({ section }) => section.auto === null) ?? null;
  if (home) return addPanel(layout, home.section, panel);
  return addSection(
    layout,
    ownSection(freshId(), OWN_SECTION, [panel]),
    now.sections.map(({ section }) => section.id),
  );
}

/** Scrolls to a panel that was just added. */
function revealPanel(id: string): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() =>
      document.querySelector(`[data-panel="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "nearest" }),
    ),
  );
}
