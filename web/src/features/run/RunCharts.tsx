import { useMemo } from "react";
import type { KeyInfo, RunDetail } from "@/api/types";
import { PanelGrid } from "@/grid/PanelGrid";
import { useStableKeys } from "@/grid/useStableKeys";
import { useViewAddress } from "@/grid/viewAddress";
import { type Cast, CastContext, endingOf } from "@/panels/cast";
import { useRunKeys } from "./runKeys";

interface RunChartsProps {
  run: RunDetail;
  tab: "charts" | "system";
}

const ACCEPT = {
  charts: (info: KeyInfo) => info.kind !== "system",
  system: (info: KeyInfo) => info.kind === "system",
};

/** The grid of the workspace with one run on stage. */
export function RunCharts({ run, tab }: RunChartsProps) {
  useViewAddress();
  useRunKeys();
  const keys = useStableKeys(run.keys);
  const { run_key, name, number, state } = run;
  const cast = useMemo(
    (): Cast => ({
      grouped: false,
      named: false,
      members: [{ id: run_key, runs: null, label: name, slot: number, ending: endingOf({ state }) }],
    }),
    [run_key, name, number, state],
  );
  return (
    <CastContext value={cast}>
      <main id="main">
        <h1 className="visually-hidden">
          {name} {tab}
        </h1>
        <PanelGrid
          keys={keys}
          accept={ACCEPT[tab]}
          shownRuns={null}
          loading={false}
          empty={
            <div className="empty">
              <b>{tab === "system" ? "No system metrics" : "No metrics yet"}</b>
              <span>
                {tab === "system"
                  ? "The machine of this run was not recorded."
                  : "The first logged number appears here within a second."}
              </span>
            </div>
          }
        />
      </main>
    </CastContext>
  );
}
