import { RotateCcw } from "lucide-react";
import { type ChartChange, ChartRows } from "@/panels/line/ChartRows";
import { editSection, type Json, type Section, withSettings } from "@/state/layout";
import { checkChart, DEFAULT_CHART } from "@/state/settings";
import { editLayout, editSettings, useView } from "@/state/view";

/** What a section says for its charts. */
export default function SectionSettings({ section }: { section: Section }) {
  const workspace = useView((view) => view.settings);
  const own = checkChart(section.settings);
  const count = Object.keys(own).length;
  const onChange = (change: ChartChange) =>
    editLayout(
      (layout) =>
        editSection(layout, section, {
          settings: withSettings(section.settings, change as { [name: string]: Json | undefined }),
        }),
      `section ${section.id} ${Object.keys(change).join()}`,
    );
  return (
    <div className="settings-form">
      <div className="settings-head">
        <b>Charts in “{section.name}”</b>
        {count > 0 && (
          <button
            type="button"
            className="link-button"
            onClick={() => editLayout((layout) => editSection(layout, section, { settings: {} }))}
          >
            <RotateCcw size={11} />
            reset {count} overridden
          </button>
        )}
      </div>
      <ChartRows settings={{ ...DEFAULT_CHART, ...workspace, ...own }} own={own} onChange={onChange} />
    </div>
  );
}

/** What the workspace says for all charts. */
export function WorkspaceSettings() {
  const own = useView((view) => view.settings);
  const count = Object.keys(own).length;
  return (
    <div className="settings-form">
      <div className="settings-head">
        <b>All charts</b>
        {count > 0 && (
          <button
            type="button"
            className="link-button"
            onClick={() =>
              editSettings(
                Object.fromEntries(Object.keys(own).map((name) => [name, undefined])) as ChartChange,
              )
            }
          >
            <RotateCcw size={11} />
            reset {count}
          </button>
        )}
      </div>
      <ChartRows settings={{ ...DEFAULT_CHART, ...own }} own={own} onChange={editSettings} />
    </div>
  );
}
