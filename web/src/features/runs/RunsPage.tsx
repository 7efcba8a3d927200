import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Target, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { type Column, columnId, metricOf, type RunSelection } from "@/api/columns";
import { runsFilter } from "@/api/filterText";
import { fetchColumns } from "@/api/matrix";
import { projectQuery, queryKeys } from "@/api/queries";
import { fetchTablePage, type SortBy, type TableAsk, type TableRow } from "@/api/runsTable";
import type { Goal } from "@/api/statistics";
import type { ProjectDetail } from "@/api/types";
import type { ViewList } from "@/api/views";
import { useLiveProject } from "@/grid/useLiveProject";
import { useViewAddress } from "@/grid/viewAddress";
import { SelectionContext } from "@/panels/cast";
import { usePageStatus } from "@/state/pageStatus";
import { changeView, type Sort, useView } from "@/state/view";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatCount } from "@/ui/humanize";
import { Segmented } from "@/ui/Segmented";
import { useDebounced } from "@/ui/useDebounced";
import { useTitle } from "@/ui/useTitle";
import { GroupPicker } from "../workspace/sidebar/GroupPicker";
import { SearchField } from "../workspace/sidebar/SearchField";
import { useFirstView, useOpenAddress } from "../workspace/views/useViews";
import { ViewsMenu } from "../workspace/views/ViewsMenu";
import { BulkBar } from "./BulkBar";
import { ColumnManager } from "./ColumnManager";
import { type CatalogEntry, catalogOf, defaultColumns, goalOf, kindOfField } from "./catalog";
import { ExportMenu } from "./ExportMenu";
import { FilterEditor } from "./FilterEditor";
import { type Marks, NO_MARKS } from "./marks";
import { PivotTable } from "./PivotTable";
import { RunsTable } from "./RunsTable";
import { groupSegments, plainSegments } from "./segments";
import { showColumns } from "./shownColumns";
import { groupTree } from "./spread";
import { type ColumnSort, changeTable, type TableColumn, type TableMode, useTable } from "./tableState";
import { type PageName, useTablePages } from "./useTablePages";
import "@/styles/comparing.css";
import "@/styles/runs-forms.css";
import "@/styles/runs.css";

const TYPING_MS = 200;
const NO_PAGES: readonly PageName[] = [];

/** All runs of a project as a table: filtered, sorted and grouped by the server over all of them. */
export function RunsPage({ entity, project }: { entity: string; project: string }) {
  // Asked for together with the views: neither waits for the other.
  useQuery(projectQuery(entity, project));
  const { list, settled } = useFirstView(entity, project);
  if (!settled) return <main id="main" className="runs-page" aria-busy="true" />;
  return <Runs entity={entity} project={project} views={list} />;
}

function Runs({ entity, project, views }: { entity: string; project: string; views: ViewList }) {
  useViewAddress(useOpenAddress(views), `${entity}/${project}`);
  useTitle(`Runs of ${project}`);
  const detail = useQuery(projectQuery(entity, project));
  const mode = useTable((table) => table.mode);
  const selection = useMatching(entity, project, mode);
  const infos = useQuery({
    queryKey: [...queryKeys.runs(entity, project), "columns", selection],
    queryFn: ({ signal }) => fetchColumns(selection, signal),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    retry: false,
  });
  const running = detail.data?.running ?? 0;
  useEffect(() => usePageStatus.setState({ running }), [running]);

  const catalog = useMemo(
    () => (detail.data ? catalogOf(detail.data, infos.data?.columns ?? []) : []),
    [detail.data, infos.data],
  );
  const chosen = useTable((table) => table.columns);
  const found = infos.data?.columns;
  const settled = infos.isFetched || infos.isError;
  const proposed = useMemo(
    () => (detail.data && settled ? defaultColumns(detail.data, found ?? []) : null),
    [detail.data, found, settled],
  );
  // What is proposed must not move under the reader's hand when more runs arrive.
  const [kept, setKept] = useState<readonly TableColumn[] | null>(null);
  useEffect(() => setKept((held) => held ?? proposed), [proposed]);
  const columns = chosen ?? kept ?? proposed;

  if (detail.error) return <ErrorNote error={detail.error} />;
  if (!detail.data || !columns) return <main id="main" className="runs-page" aria-busy="true" />;
  return (
    <main id="main" className="runs-page">
      <h1 className="visually-hidden">Runs of {project}</h1>
      <TableOrPivot
        key={mode === "bin" ? "bin" : "live"}
        selection={selection}
        detail={detail.data}
        catalog={catalog}
        columns={columns}
        mode={mode}
        views={<ViewsMenu entity={entity} project={project} list={views} />}
      />
    </main>
  );
}

/** All runs that match the view. */
function useMatching(entity: string, project: string, mode: TableMode): RunSelection & { deleted?: boolean } {
  const search = useDebounced(
    useView((view) => view.runSearch),
    TYPING_MS,
  );
  const regex = useView((view) => view.runRegex);
  const filter = useView((view) => view.filter);
  return useMemo(
    () => ({
      entity,
      project,
      ...(filter.trim() ? { filter: filter.trim() } : {}),
      ...(search ? { search, regex } : {}),
      ...(mode === "bin" ? { deleted: true } : {}),
    }),
    [entity, project, filter, search, regex, mode],
  );
}

interface TableOrPivotProps {
  selection: RunSelection & { deleted?: boolean };
  detail: ProjectDetail;
  catalog: readonly CatalogEntry[];
  columns: readonly TableColumn[];
  mode: TableMode;
  /** The menu of saved views. */
  views: React.ReactNode;
}

function TableOrPivot({ selection, detail, catalog, columns, mode, views }: TableOrPivotProps) {
  const { entity, project } = selection;
  const group = useView((view) => view.group);
  const viewSort = useView((view) => view.sort);
  const collapsed = useView((view) => view.collapsed);
  const sorts = useTable((table) => table.sort);
  const goals = useTable((table) => table.goals);
  const baselineKey = useTable((table) => table.baseline);
  const [marks, setMarks] = useState<Marks>(NO_MARKS);
  const [inView, setInView] = useState<readonly PageName[]>(NO_PAGES);
  const [exportError, setExportError] = useState<string | null>(null);

  const keys = useMemo(() => new Map(detail.keys.map((info) => [info.key, info])), [detail.keys]);
  const kinds = useMemo(() => new Map(catalog.map((entry) => [entry.column.by, entry.kind])), [catalog]);
  const goalFor = useCallback(
    (column: Column): Goal | null => goals[columnId(column)] ?? goalOf(keys.get(metricOf(column) ?? "")),
    [goals, keys],
  );
  const shown = useMemo(
    () =>
      showColumns(columns, group.length > 0 || baselineKey !== null, ({ column }) => {
        const metric = metricOf(column);
        const counts = column.agg === "n" || column.agg === "last_step";
        return {
          kind: metric !== null ? "number" : (kinds.get(column.by) ?? kindOfField(column.by)),
          unit: metric === null || counts ? null : (keys.get(metric)?.unit ?? null),
          goal: metric === null || counts ? null : goalFor(column),
          info: metric === null ? null : (keys.get(metric) ?? null),
        };
      }),
    [columns, group.length, baselineKey, kinds, keys, goalFor],
  );
  const asked = useMemo(() => shown.filter(({ place }) => place >= 0).map(({ column }) => column), [shown]);
  const ask = useMemo(
    (): TableAsk => ({
      ...selection,
      sort: sortOf(sorts, viewSort),
      ...(group.length > 0 ? { group: [...group] } : {}),
      columns: asked,
    }),
    [selection, sorts, viewSort, group, asked],
  );
  const pages = useTablePages(ask, inView);
  useLiveProject(entity, project, pages.head?.seq ?? null);
  const { head } = pages;
  const folded = useMemo(() => new Set(collapsed), [collapsed]);
  const filter = selection.filter ?? "";
  const tree = useMemo(() => (head?.groups ? groupTree(head.groups) : null), [head]);
  const segments = useMemo(
    () => (tree ? groupSegments(tree, folded, filter) : plainSegments(filter, head?.match ?? 0)),
    [tree, folded, filter, head?.match],
  );
  const baseline = useBaseline(selection, baselineKey, asked);
  const stage = useMemo(
    () => ({ query: selection, shows: () => true, key: queryKeys.runs(entity, project) }),
    [selection, entity, project],
  );
  const fold = useCallback(
    (id: string) =>
      changeView({
        collapsed: collapsed.includes(id) ? collapsed.filter((other) => other !== id) : [...collapsed, id],
      }),
    [collapsed],
  );
  const match = head?.match ?? 0;
  const mayEdit = (detail as { may_edit?: boolean }).may_edit ?? true;
  return (
    <>
      <div className="runs-bar" role="toolbar" aria-label="Runs">
        {views}
        <div className="runs-search">
          <SearchField error={pages.error} />
        </div>
        <FilterEditor catalog={catalog} error={pages.error} />
        <GroupPicker configKeys={detail.config_keys} />
        <span className="grow" />
        <output className="table-count" aria-live="polite">
          {head === null
            ? ""
            : head.match === head.total
              ? `${formatCount(head.total)} ${head.total === 1 ? "run" : "runs"}`
              : `${formatCount(head.match)} of ${formatCount(head.total)} runs`}
        </output>
        {baseline && (
          <button
            type="button"
            className="chip on"
            title={`All runs are compared to ${baseline.name}`}
            aria-label={`Stop comparing to ${baseline.name}`}
            onClick={() => changeTable({ baseline: null })}
          >
            <Target size={12} />
            <span className="chip-text">vs {baseline.name}</span>
            <X size={12} />
          </button>
        )}
        <Segmented
          label="What is shown"
          value={mode}
          options={[
            ["table", "Table"],
            ["pivot", "Pivot"],
            ["bin", "Deleted"],
          ]}
          onChange={(next) => {
            setMarks(NO_MARKS);
            changeTable({ mode: next });
          }}
        />
        {mode !== "pivot" && <ColumnManager columns={columns} catalog={catalog} />}
        {mode !== "pivot" && <ExportMenu ask={ask} onError={setExportError} />}
      </div>
      {(exportError ?? tableError(pages.error)) && (
        <p className="runs-trouble" role="alert">
          {exportError ?? tableError(pages.error)}
        </p>
      )}
      {mode === "pivot" ? (
        <PivotTable selection={selection} catalog={catalog} goalOf={goalFor} />
      ) : (
        <SelectionContext value={stage}>
          <RunsTable
            label={mode === "bin" ? `Deleted runs of ${project}` : `Runs of ${project}`}
            columns={shown}
            segments={segments}
            pages={pages}
            folded={folded}
            onFold={fold}
            marks={marks}
            onMarks={setMarks}
            baseline={baseline}
            onBaseline={setBaseline}
            onPagesInView={setInView}
            mayEdit={mayEdit && mode === "table"}
            empty={<NoRuns bin={mode === "bin"} filtered={Boolean(selection.filter || selection.search)} />}
          />
        </SelectionContext>
      )}
      <BulkBar
        selection={selection}
        match={match}
        marks={marks}
        bin={mode === "bin"}
        mayEdit={mayEdit}
        onClear={() => setMarks(NO_MARKS)}
      />
    </>
  );
}

function setBaseline(runKey: string | null): void {
  changeTable({ baseline: runKey });
}

function sortOf(sorts: readonly ColumnSort[], { by, agg, desc }: Sort): SortBy[] {
  if (sorts.length > 0) return sorts.map((sort) => ({ ...sort.column, desc: sort.desc }));
  return [metricOf({ by }) === null ? { by, desc } : { by, agg, desc }];
}

/** The row of the run to which all are compared; null while there is none. */
function useBaseline(
  selection: RunSelection,
  runKey: string | null,
  columns: readonly Column[],
): TableRow | null {
  const { entity, project } = selection;
  const ask: TableAsk = { entity, project, filter: runsFilter([runKey ?? ""]), sort: [], columns };
  const found = useQuery({
    queryKey: [...queryKeys.runs(entity, project), "baseline", runKey, columns],
    queryFn: ({ signal }) => fetchTablePage(ask, 0, 1, signal),
    enabled: runKey !== null,
    placeholderData: keepPreviousData,
    retry: false,
  });
  return runKey === null ? null : (found.data?.runs[0] ?? null);
}

/** What went wrong besides the filter and the search, which say it at their fields. */
function tableError(error: { code: string; message: string } | null): string | null {
  return error && error.code !== "invalid_filter" ? error.message : null;
}

function NoRuns({ bin, filtered }: { bin: boolean; filtered: boolean }) {
  return (
    <div className="empty">
      <b>{filtered ? "No run matches" : bin ? "The bin is empty" : "No runs yet"}</b>
      {filtered ? (
        <button type="button" className="button" onClick={() => changeView({ filter: "", runSearch: "" })}>
          Clear filter and search
        </button>
      ) : (
        <span>
          {bin
            ? "Deleted runs stand here until they are restored or purged."
            : "The first run appears here within a second of its start."}
        </span>
      )}
    </div>
  );
}
