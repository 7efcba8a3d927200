import { Eye, EyeOff, PanelLeftClose, X } from "lucide-react";
import { useMemo } from "react";
import type { ProjectDetail } from "@/api/types";
import { ALL_SHOWN, isShown, NONE_SHOWN } from "@/state/selection";
import { changeView, useView } from "@/state/view";
import { formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { CompareLink } from "../../compare/CompareLink";
import type { Group } from "../groups";
import type { Runs } from "../useRuns";
import { FilterField } from "./FilterField";
import { GroupPicker } from "./GroupPicker";
import { RunList } from "./RunList";
import { SearchField } from "./SearchField";
import { SortHeader } from "./SortHeader";

interface SidebarProps {
  runs: Runs;
  groups: readonly Group[] | null;
  detail: ProjectDetail | undefined;
  /** It lies over the charts, as on a phone. */
  sheet: boolean;
  onHide(): void;
}

/** The list of runs: what is shown, in which order, in which colour. */
export function Sidebar({ runs, groups, detail, sheet, onHide }: SidebarProps) {
  const selection = useView((view) => view.selection);
  const shown = useMemo(
    () => runs.rows.reduce((count, row) => count + (isShown(selection, row.number) ? 1 : 0), 0),
    [runs.rows, selection],
  );
  const sortBy = useView((view) => view.sort.by);
  const sortedBy = detail?.keys.find(({ key }) => `metric:${key}` === sortBy);
  const anyShown = shown > 0;
  return (
    <aside className="sidebar" aria-label="Runs">
      <div className="sidebar-head">
        <div className="sidebar-title">
          <h2>Runs</h2>
          <span
            className="run-counts"
            title="Shown in the charts · matching search and filter · in the project"
          >
            {formatCount(shown)} shown · {formatCount(runs.match)} match · {formatCount(runs.total)}
          </span>
          <span className="grow" />
          <CompareLink runs={runs.rows.filter((row) => isShown(selection, row.number))} />
          <IconButton label="Hide runs" hint="[" onClick={onHide}>
            {sheet ? <X size={16} /> : <PanelLeftClose size={15} />}
          </IconButton>
        </div>
        <SearchField error={runs.error} />
        <FilterField error={runs.error} />
        <GroupPicker configKeys={detail?.config_keys ?? []} />
      </div>
      <div className="column-head">
        <button
          type="button"
          className="eye"
          aria-label={anyShown ? "Hide all runs" : "Show all runs"}
          onClick={() => changeView({ selection: anyShown ? NONE_SHOWN : ALL_SHOWN })}
        >
          {anyShown ? <Eye size={14} /> : <EyeOff size={14} />}
        </button>
        <SortHeader keys={detail?.keys ?? []} configKeys={detail?.config_keys ?? []} />
      </div>
      <RunList runs={runs} groups={groups} unit={sortedBy?.unit ?? null} goal={sortedBy?.goal ?? null} />
    </aside>
  );
}
