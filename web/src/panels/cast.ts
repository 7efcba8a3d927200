import { createContext, useContext } from "react";
import type { Subject } from "@/api/seriesLoader";
import type { RunState } from "@/api/types";
import type { Ending } from "@/charts/core/model";

/** One line in every chart: who it is and what it looks like, but not its points. */
export interface Member extends Subject {
  label: string;
  /** Palette slot; decides colour and dash. */
  slot: number;
  ending: Ending | null;
}

/** A single run, grouped or not: media are not averaged. */
export interface CastRun {
  key: string;
  label: string;
  slot: number;
}

/** Everyone who is on stage: the runs or groups that the charts draw. */
export interface Cast {
  members: readonly Member[];
  /** The single runs among them that are loaded, in order of age. */
  runs: readonly CastRun[];
  /** Groups have a mean ± std band, runs a min–max envelope. */
  grouped: boolean;
  /** Charts name their lines. Not needed where the page is about one run. */
  named: boolean;
}

const EMPTY_CAST: Cast = { members: [], runs: [], grouped: false, named: true };

export const CastContext = createContext<Cast>(EMPTY_CAST);

export function useCast(): Cast {
  return useContext(CastContext);
}

/** The mark at the end of a run's lines; a finished run needs none. */
export function endingOf({ state }: { state: RunState }): Ending | null {
  return state === "finished" ? null : state;
}
