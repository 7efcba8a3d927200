import { useMemo, useRef } from "react";
import { type Cast, EMPTY_CAST, endingOf, type Member } from "@/panels/cast";
import { isShown, type Selection } from "@/state/selection";
import { useView } from "@/state/view";
import { type Group, joinGroups, sortGroups } from "./groups";
import type { Runs } from "./useRuns";

/** A group is drawn if any of its runs is shown; of one that is not loaded yet nothing has been hidden. */
function isGroupShown(group: Group, selection: Selection): boolean {
  return group.rows.length === 0
    ? selection.shown === "all"
    : group.rows.some((row) => isShown(selection, row.number));
}

/** Who is on stage: the cast for the charts, and the groups for the sidebar. */
export function useStage(runs: Runs): { cast: Cast; groups: readonly Group[] | null } {
  const selection = useView((view) => view.selection);
  const individual = useView((view) => view.individual);
  const sort = useView((view) => view.sort);
  const pins = useView((view) => view.pinned);
  const baseNumber = useView((view) => view.baseline);
  const groups = useMemo(() => {
    if (!runs.groups) return null;
    const joined = joinGroups(runs.groups, runs.rows);
    return sort.by.startsWith("metric:")
      ? sortGroups(joined, sort.by.slice("metric:".length), sort.desc)
      : joined;
  }, [runs.groups, runs.rows, sort]);
  const cast = useMemo((): Cast => {
    const keysOf = (numbers: readonly number[]) =>
      runs.rows.filter(({ number }) => numbers.includes(number)).map(({ run_key }) => run_key);
    const stands = {
      pinned: pins.length > 0 ? new Set(keysOf(pins)) : EMPTY_CAST.pinned,
      baseline: baseNumber === null ? null : (keysOf([baseNumber])[0] ?? null),
    };
    const single = runs.rows
      .filter((row) => isShown(selection, row.number))
      .map((row) => ({ key: row.run_key, label: row.name, slot: row.number }))
      .sort((a, b) => a.slot - b.slot);
    if (groups && !individual) {
      // A group's mean is always over all its runs: hiding one run must not bend the mean of the rest.
      const shown = groups.filter((group) => isGroupShown(group, selection));
      return {
        ...stands,
        grouped: true,
        named: true,
        runs: single,
        members: shown.map(({ id, path, runs: members, slot }) => ({
          id,
          runs: members,
          label: path.map(({ value }) => value).join(" · "),
          slot,
          ending: null,
        })),
      };
    }
    const members = runs.rows
      .filter((row) => isShown(selection, row.number))
      .map(
        (row): Member => ({
          id: row.run_key,
          runs: null,
          label: row.name,
          slot: row.number,
          ending: endingOf(row),
        }),
      )
      // Charts draw in order of age, so that sorting the list neither redraws them nor changes what lies on top.
      .sort((a, b) => a.slot - b.slot);
    return { ...stands, grouped: false, named: true, runs: single, members };
  }, [groups, runs.rows, selection, individual, pins, baseNumber]);
  return { cast: useEqualCast(cast), groups };
}

/** Gives the former object back while nothing about the cast changed: a refreshed list then redraws no chart. */
function useEqualCast(cast: Cast): Cast {
  const held = useRef(cast);
  if (signature(held.current) !== signature(cast)) held.current = cast;
  return held.current;
}

const signatures = new WeakMap<Cast, string>();

function signature(cast: Cast): string {
  let text = signatures.get(cast);
  if (text === undefined) {
    text = JSON.stringify([cast, [...cast.pinned]]);
    signatures.set(cast, text);
  }
  return text;
}
