import { useMemo } from "react";
import { queryKeys } from "@/api/queries";
import { getAccess } from "@/api/session";
import type { KeyInfo, RunDetail } from "@/api/types";
import type { ViewList } from "@/api/views";
import { PanelGrid } from "@/grid/PanelGrid";
import { useStableKeys } from "@/grid/useStableKeys";
import { useViewAddress } from "@/grid/viewAddress";
import {
  type Cast,
  CastContext,
  EMPTY_CAST,
  endingOf,
  type RunSelection,
  SelectionContext,
} from "@/panels/cast";
import { useFirstView } from "../workspace/views/useViews";
import { useRunKeys } from "./runKeys";
import { openRunView } from "./runView";

interface RunChartsProps {
  run: RunDetail;
  tab: "charts" | "media" | "system";
}

const ACCEPT = {
  charts: (info: KeyInfo) => info.kind === "number",
  media: (info: KeyInfo) => info.kind === "media" || info.kind === "text",
  system: (info: KeyInfo) => info.kind === "system",
};

const EMPTY = {
  charts: ["No metrics yet", "The first logged number appears here within a second."],
  media: ["No media yet", "Images, audio, tables, histograms and text that the run logs appear here."],
  system: ["No system metrics", "The machine of this run was not recorded."],
} as const;

/** The grid of the workspace with one run on stage, arranged as its project arranges it by default. */
export function RunCharts({ run, tab }: RunChartsProps) {
  // Who has only a link to the run sees no views of its project.
  return getAccess().kind === "share" ? (
    <Charts run={run} tab={tab} views={NO_VIEWS} />
  ) : (
    <ArrangedCharts run={run} tab={tab} />
  );
}

const NO_VIEWS: ViewList = { views: [], default: null };

function ArrangedCharts({ run, tab }: RunChartsProps) {
  const { list, settled } = useFirstView(run.entity, run.project);
  return settled ? <Charts run={run} tab={tab} views={list} /> : <main id="main" aria-busy="true" />;
}

function Charts({ run, tab, views }: RunChartsProps & { views: ViewList }) {
  useViewAddress((params) => openRunView(views, params, tab === "charts"));
  useRunKeys();
  const keys = useStableKeys(run.keys);
  const { run_key, name, number, state, entity, project } = run;
  const cast = useMemo(
    (): Cast => ({
      ...EMPTY_CAST,
      named: false,
      runs: [{ key: run_key, label: name, slot: number }],
      members: [{ id: run_key, runs: null, label: name, slot: number, ending: endingOf({ state }) }],
    }),
    [run_key, name, number, state],
  );
  const selection = useMemo(
    (): RunSelection => ({
      query: { entity, project, runs: [run_key] },
      shows: () => true,
      key: queryKeys.run(run_key),
    }),
    [entity, project, run_key],
  );
  return (
    <CastContext value={cast}>
      <SelectionContext value={selection}>
        <main id="main">
          <h1 className="visually-hidden">
            {name} {tab}
          </h1>
          <PanelGrid
            keys={keys}
            accept={ACCEPT[tab]}
            charts={tab !== "media"}
            shownRuns={null}
            loading={false}
            empty={
              <div className="empty">
                <b>{EMPTY[tab][0]}</b>
                <span>{EMPTY[tab][1]}</span>
              </div>
            }
          />
        </main>
      </SelectionContext>
    </CastContext>
  );
}
