import { useQuery } from "@tanstack/react-query";
import { Check, Plus, Trash2 } from "lucide-react";
import { Suspense, useMemo, useState } from "react";
import type { Place } from "@/api/pictures";
import { projectQuery, queryKeys } from "@/api/queries";
import { ConfigKeysContext, KeysContext, SelectionContext } from "@/panels/cast";
import { type PanelType, panelType, panelTypes } from "@/panels/registry";
import { KeysField } from "@/panels/settings/fields";
import { SettingRow } from "@/panels/settings/SettingRow";
import { type Json, type Panel, type Settings, withSettings } from "@/state/layout";
import { Choice } from "@/ui/Choice";
import { Dialog } from "@/ui/Dialog";
import { IconButton } from "@/ui/IconButton";
import { type Fields, isFields } from "../blocks";
import { type FigureHeight, type FigureSpec, readFigure, writeFigure } from "../figure";
import { PanelSettings } from "../PanelSettings";
import { panelName } from "../panelName";
import { FigurePreview } from "./FigurePreview";
import { RunSetFields } from "./RunSetFields";

interface FigureFormProps {
  value: Fields;
  place: Place;
  /** The run sets that the report names. */
  sets: ReadonlyMap<string, Fields>;
  onSave(value: Fields): void;
  onClose(): void;
}

const HEIGHTS: readonly (readonly [FigureHeight, string])[] = [
  ["s", "low"],
  ["m", "middle"],
  ["l", "high"],
  ["xl", "very high"],
];
const OWN = "\u0000own";
const FIRST = "\u0000first";
const MOST_PANELS = 12;

/** A figure while it is made: its panels with their settings, its runs, its caption. */
export default function FigureForm({ value, place, sets, onSave, onClose }: FigureFormProps) {
  const [spec, setSpec] = useState<FigureSpec>(() => readFigure(value));
  const [at, setAt] = useState(0);
  const detail = useQuery(projectQuery(place.entity, place.project));
  const keys = detail.data?.keys ?? NO_KEYS;
  const configKeys = useMemo(() => detail.data?.config_keys.map(({ key }) => key) ?? [], [detail.data]);
  const selection = useMemo(
    () => ({
      query: { entity: place.entity, project: place.project },
      shows: () => true,
      key: queryKeys.runs(place.entity, place.project),
    }),
    [place.entity, place.project],
  );
  const names = [...sets.keys()];
  const panel = spec.panels[Math.min(at, spec.panels.length - 1)];
  const change = (change: Partial<FigureSpec>) => setSpec({ ...spec, ...change });
  const setPanel = (next: Panel) => change({ panels: spec.panels.map((one, n) => (n === at ? next : one)) });
  return (
    <Dialog title="Figure" open onClose={onClose} size="wide">
      <KeysContext value={keys}>
        <ConfigKeysContext value={configKeys}>
          <SelectionContext value={selection}>
            <div className="figure-form">
              <div className="figure-form-panels">
                <ol>
                  {spec.panels.map((one, n) => (
                    <li key={one.id}>
                      <button type="button" aria-current={n === at} onClick={() => setAt(n)}>
                        {panelName(one) || "Panel"}
                      </button>
                      {spec.panels.length > 1 && (
                        <IconButton
                          label={`Remove ${panelName(one)}`}
                          onClick={() => {
                            change({ panels: spec.panels.filter((_, other) => other !== n) });
                            setAt(0);
                          }}
                        >
                          <Trash2 size={12} />
                        </IconButton>
                      )}
                    </li>
                  ))}
                </ol>
                {spec.panels.length < MOST_PANELS && (
                  <button
                    type="button"
                    className="button small"
                    onClick={() => {
                      const made: Panel = { id: `+${Date.now()}`, type: "line", settings: {} };
                      change({ panels: [...spec.panels, made] });
                      setAt(spec.panels.length);
                    }}
                  >
                    <Plus size={12} /> Panel beside it
                  </button>
                )}
                <TypeChoice
                  type={panel?.type ?? ""}
                  onChange={(type) => panel && setPanel({ ...panel, type: type.type, settings: {} })}
                />
              </div>
              <FigurePreview value={writeFigure(spec, value)} place={place} sets={sets} />
              <div className="figure-form-settings">
                {panel && <PanelRows key={`${panel.id} ${panel.type}`} panel={panel} onChange={setPanel} />}
              </div>
              <div className="figure-form-about">
                <SettingRow label="Runs" wide>
                  <Choice
                    label="Runs"
                    value={isFields(spec.runs) ? OWN : (spec.runs ?? FIRST)}
                    options={[
                      [FIRST, names[0] ? `as the report (${names[0]})` : "all runs of the project"],
                      ...names.map((name) => [name, name] as const),
                      [OWN, "of its own…"],
                    ]}
                    onChange={(name) => change({ runs: name === FIRST ? null : name === OWN ? {} : name })}
                  />
                </SettingRow>
                {isFields(spec.runs) && (
                  <RunSetFields set={spec.runs} place={place} onChange={(runs) => change({ runs })} />
                )}
                <SettingRow label="Caption" wide>
                  <textarea
                    className="text-input"
                    aria-label="Caption"
                    rows={2}
                    placeholder="What one sees in it"
                    value={spec.caption}
                    onChange={(event) => change({ caption: event.target.value.replaceAll("\n", " ") })}
                  />
                </SettingRow>
                <SettingRow label="Height">
                  <Choice
                    label="Height"
                    value={spec.height}
                    options={HEIGHTS}
                    onChange={(height) => change({ height })}
                  />
                </SettingRow>
                {spec.panels.length > 1 && (
                  <SettingRow label="Beside each other">
                    <Choice
                      label="Panels beside each other"
                      value={String(spec.columns ?? 0)}
                      options={[
                        ["0", "as many as fit"],
                        ["1", "1"],
                        ["2", "2"],
                        ["3", "3"],
                        ["4", "4"],
                      ]}
                      onChange={(columns) => change({ columns: Number(columns) || null })}
                    />
                  </SettingRow>
                )}
              </div>
              <footer>
                <button type="button" className="button" onClick={onClose}>
                  Cancel
                </button>
                <button
                  type="button"
                  className="button primary"
                  onClick={() => {
                    onSave(writeFigure(spec, value));
                    onClose();
                  }}
                >
                  Apply
                </button>
              </footer>
            </div>
          </SelectionContext>
        </ConfigKeysContext>
      </KeysContext>
    </Dialog>
  );
}

const NO_KEYS: readonly never[] = [];

function TypeChoice({ type, onChange }: { type: string; onChange(type: PanelType): void }) {
  const types = panelTypes.filter(({ recipe, type: name }) => recipe && name !== "markdown");
  return (
    <div className="add-types" role="radiogroup" aria-label="Type of panel">
      {types.map((candidate) => (
        // biome-ignore lint/a11y/useSemanticElements: a card with icon and text; a radio input has no such look
        <button
          type="button"
          key={candidate.type}
          role="radio"
          aria-checked={candidate.type === type}
          onClick={() => candidate.type !== type && onChange(candidate)}
        >
          <candidate.icon size={15} />
          {candidate.title}
          {candidate.type === type && <Check size={12} />}
        </button>
      ))}
    </div>
  );
}

function PanelRows({ panel, onChange }: { panel: Panel; onChange(panel: Panel): void }) {
  const type = panelType(panel.type);
  if (!type) return <p className="list-empty">Choose what it shows.</p>;
  const set = (change: { [name: string]: Json | undefined }) =>
    onChange({ ...panel, settings: withSettings(panel.settings, change) });
  const { keys, key } = panel.settings;
  return (
    <Suspense fallback={<p className="list-empty">Loading…</p>}>
      {panel.type === "media" && (
        <SettingRow label="Shows" wide>
          <KeysField
            label="What runs logged"
            value={typeof key === "string" && key ? [key] : []}
            accepts={({ kind }) => kind === "media" || kind === "text"}
            onChange={(chosen) => set({ key: chosen.at(-1) })}
          />
        </SettingRow>
      )}
      {panel.type === "line" && !Array.isArray(keys) && !panel.settings.pattern && (
        <p className="muted">Choose metrics below.</p>
      )}
      <PanelSettings
        panel={panel}
        type={type}
        onTitle={(title) => {
          const { title: _, ...rest } = panel;
          onChange(title ? { ...rest, title } : rest);
        }}
        onChange={(change) => set(change as Settings)}
      />
    </Suspense>
  );
}
