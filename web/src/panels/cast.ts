import { createContext, useContext } from "react";
import type { RunSelection as Query } from "@/api/columns";
import type { Subject } from "@/api/seriesLoader";
import type { KeyInfo, RunState } from "@/api/types";
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
  /** Runs that lie on top of all others, by run key. */
  pinned: ReadonlySet<string>;
  /** The run that others are compared with, by run key, if it is on stage. */
  baseline: string | null;
}

const NO_RUNS: ReadonlySet<string> = new Set();
export const EMPTY_CAST: Cast = {
  members: [],
  runs: [],
  grouped: false,
  named: true,
  pinned: NO_RUNS,
  baseline: null,
};

export const CastContext = createContext<Cast>(EMPTY_CAST);

export function useCast(): Cast {
  return useContext(CastContext);
}

/** The mark at the end of a run's lines; a finished run needs none. */
export function endingOf({ state }: { state: RunState }): Ending | null {
  return state === "finished" ? null : state;
}

/** What a run looks like in a picture of single runs. */
export interface Look {
  slot: number;
  /** What a hover over it names. */
  id: string;
  /** The group it belongs to, in words; null where runs are not grouped. */
  group: string | null;
}

const homes = new WeakMap<Cast, ReadonlyMap<string, Member>>();

/** The look of a run: its own, or that of its group where runs are grouped. */
export function lookOf(cast: Cast, runKey: string, number: number): Look {
  if (!cast.grouped) return { slot: number, id: runKey, group: null };
  let home = homes.get(cast);
  if (!home) {
    home = new Map(cast.members.flatMap((member) => (member.runs ?? []).map((run) => [run, member])));
    homes.set(cast, home);
  }
  const member = home.get(runKey);
  return { slot: member?.slot ?? number, id: runKey, group: member?.label ?? null };
}

/** Which runs the page is about, for questions that the server answers over all of them. */
export interface RunSelection {
  /** Belongs into the body of /runs/matrix, /statistics/… */
  query: Query;
  /** Whether the run of this number has its eye open. */
  shows(number: number): boolean;
  /** First part of a query key: news of the project invalidate what begins with it. */
  key: readonly unknown[];
}

const NO_SELECTION: RunSelection = { query: { entity: "", project: "" }, shows: () => true, key: ["runs"] };

export const SelectionContext = createContext<RunSelection>(NO_SELECTION);

export function useSelection(): RunSelection {
  return useContext(SelectionContext);
}

const NO_KEYS: readonly KeyInfo[] = [];

export const KeysContext = createContext<readonly KeyInfo[]>(NO_KEYS);

/** Everything that runs of the project logged. */
export function useKeys(): readonly KeyInfo[] {
  return useContext(KeysContext);
}

/** Names of config keys of the project, for pickers. */
export const ConfigKeysContext = createContext<readonly string[]>([]);

export function useConfigKeys(): readonly string[] {
  return useContext(ConfigKeysContext);
}
