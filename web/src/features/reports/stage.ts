// From the run sets of a report to what panels are given: who is on stage, and which runs questions are about.

import { queryKeys } from "@/api/queries";
import type { ShownRuns } from "@/api/reports";
import { type Cast, EMPTY_CAST, endingOf, type Member, type RunSelection } from "@/panels/cast";
import { DEFAULT_VIEW, type View } from "@/state/view";
import { encodeView } from "@/state/viewUrl";
import type { Fields } from "./blocks";

/** Who is on stage in a figure. Groups have the colours that the workspace gives them: by their oldest run. */
export function castOf(shown: ShownRuns): Cast {
  const { members, groups } = shown;
  const runs = [...members]
    .sort((a, b) => a.number - b.number)
    .map(({ run_key, name, number }) => ({ key: run_key, label: name, slot: number }));
  const stands = { ...EMPTY_CAST, runs, pinned: new Set(shown.pinned), baseline: shown.baseline };
  if (groups === null) {
    const lines = members
      .map(
        (member): Member => ({
          id: member.run_key,
          runs: null,
          label: member.name,
          slot: member.number,
          ending: endingOf(member),
        }),
      )
      .sort((a, b) => a.slot - b.slot);
    return { ...stands, grouped: false, members: lines };
  }
  const numbers = new Map(members.map(({ run_key, number }) => [run_key, number]));
  const ages = groups.map((group) =>
    Math.min(...group.runs.map((run) => numbers.get(run) ?? Number.POSITIVE_INFINITY)),
  );
  const ranks = ages.map((_, place) => place).sort((a, b) => (ages[a] ?? 0) - (ages[b] ?? 0));
  return {
    ...stands,
    grouped: true,
    members: groups.map((group, place) => ({
      id: `group:${place}`,
      runs: group.runs,
      label: group.label,
      slot: ranks.indexOf(place),
      ending: null,
    })),
  };
}

/** The runs of a figure, as questions to the server name them. */
export function selectionOf(shown: ShownRuns, key: readonly unknown[] | null = null): RunSelection {
  const { entity, project, filter, search, regex, runs } = shown;
  return {
    query: {
      entity,
      project,
      ...(filter ? { filter } : {}),
      ...(search ? { search, regex } : {}),
      ...(runs === null ? {} : { runs }),
    },
    shows: () => true,
    key: key ?? queryKeys.runs(entity, project),
  };
}

/** The address that opens the runs of a figure in the workspace, with its filter, groups and sort. */
export function workspaceSearch(shown: ShownRuns, set: Fields | null): Record<string, string> {
  const narrowed = shown.runs !== null;
  const group = typeof set?.group === "string" ? [set.group] : Array.isArray(set?.group) ? set.group : [];
  const view: View = {
    ...DEFAULT_VIEW,
    filter: shown.filter,
    runSearch: shown.search,
    runRegex: shown.regex,
    group: group.filter((by) => typeof by === "string"),
    selection: narrowed
      ? { shown: "none", except: new Set(shown.members.map(({ number }) => number)) }
      : DEFAULT_VIEW.selection,
    pinned: shown.members.filter(({ run_key }) => shown.pinned.includes(run_key)).map(({ number }) => number),
  };
  return encodeView(view);
}
