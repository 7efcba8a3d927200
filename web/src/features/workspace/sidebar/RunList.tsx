import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { RunRow } from "@/api/types";
import type { Member } from "@/panels/cast";
import { usePainting } from "@/panels/line/useLine";
import { DEFAULT_CHART } from "@/state/settings";
import { changeView, useView } from "@/state/view";
import { useMediaQuery } from "@/ui/useMediaQuery";
import type { Group } from "../groups";
import type { Runs } from "../useRuns";
import { GroupHead } from "./GroupHead";
import { RunItem } from "./RunItem";

interface RunListProps {
  runs: Runs;
  groups: readonly Group[] | null;
  /** Unit of the metric that the list is sorted by. */
  unit: string | null;
  /** Which values of that metric are good. */
  goal: "minimize" | "maximize" | null;
}

type Item = { kind: "group"; group: Group } | { kind: "run"; row: RunRow; pinned: boolean };

const ROW_PX = 30;
const TOUCH_ROW_PX = 44;
const GROUP_PX = 34;
/** Rows from the end at which the next page is asked for. */
const NEAR_END = 40;

/** Runs, virtual: only the rows in view exist. While the pointer is in the list its order stands still. */
export function RunList({ runs, groups, unit, goal }: RunListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const touch = useMediaQuery("(max-width: 760px), (pointer: coarse)");
  const folded = useView((view) => view.collapsed);
  const pinned = useView((view) => view.pinned);
  const baseNumber = useView((view) => view.baseline);
  const baseline = runs.rows.find(({ number }) => number === baseNumber) ?? null;
  const [pointed, setPointed] = useState(false);
  const rows = useFrozenOrder(runs.rows, runKeyOf, pointed);
  const heads = useFrozenOrder(groups ?? NO_GROUPS, groupIdOf, pointed);

  const items = useMemo(() => {
    const list: Item[] = [];
    const pins = new Set(pinned);
    for (const row of rows) if (pins.has(row.number)) list.push({ kind: "run", row, pinned: true });
    if (!groups) {
      for (const row of rows) if (!pins.has(row.number)) list.push({ kind: "run", row, pinned: false });
      return list;
    }
    const rowsOf = rowsByGroup(groups, rows);
    for (const group of heads) {
      list.push({ kind: "group", group });
      if (folded.includes(group.id)) continue;
      for (const row of rowsOf.get(group.id) ?? [])
        if (!pins.has(row.number)) list.push({ kind: "run", row, pinned: false });
    }
    return list;
  }, [rows, groups, heads, folded, pinned]);

  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => {
      const item = items[index];
      return item?.kind === "group" ? item.group.id : (item?.row.run_key ?? index);
    },
    estimateSize: (index) => (items[index]?.kind === "group" ? GROUP_PX : touch ? TOUCH_ROW_PX : ROW_PX),
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: sizes depend on these, the virtualizer does not know
  useEffect(() => virtual.measure(), [touch, items]);

  const visible = virtual.getVirtualItems();
  const lastVisible = visible.at(-1)?.index ?? 0;
  const { more } = runs;
  const settings = useView((view) => view.settings);
  const { painting } = usePainting({ ...DEFAULT_CHART, ...settings });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `more` is new at each render; the position decides
  useEffect(() => {
    if (lastVisible > items.length - NEAR_END) more();
  }, [lastVisible, items.length]);

  const toggle = (id: string) =>
    changeView({ collapsed: folded.includes(id) ? folded.filter((other) => other !== id) : [...folded, id] });

  return (
    <div
      ref={scroller}
      className="run-list"
      onPointerEnter={(event) => event.pointerType !== "touch" && setPointed(true)}
      onPointerLeave={() => setPointed(false)}
    >
      {items.length === 0 && !runs.loading && <p className="list-empty">No run matches.</p>}
      <ul aria-label="Runs" style={{ height: virtual.getTotalSize() }}>
        {visible.map(({ index, key, start, size }) => {
          const item = items[index];
          if (!item) return null;
          return (
            <li
              key={key}
              aria-setsize={items.length}
              aria-posinset={index + 1}
              style={{ height: size, transform: `translateY(${start}px)` }}
            >
              {item.kind === "group" ? (
                <GroupHead
                  group={item.group}
                  folded={folded.includes(item.group.id)}
                  unit={unit}
                  onFold={() => toggle(item.group.id)}
                />
              ) : (
                <RunItem
                  row={item.row}
                  pinned={item.pinned}
                  unit={unit}
                  baseline={baseline}
                  goal={goal}
                  color={groups ? null : painting.color(memberOf(item.row))}
                />
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function memberOf({ run_key, name, number }: RunRow): Member {
  return { id: run_key, runs: null, label: name, slot: number, ending: null };
}

/** The rows of each group, in the order of *rows*. */
function rowsByGroup(groups: readonly Group[], rows: readonly RunRow[]): Map<string, RunRow[]> {
  const groupOf = new Map<string, string>();
  for (const group of groups) for (const run of group.runs) groupOf.set(run, group.id);
  const rowsOf = new Map<string, RunRow[]>();
  for (const row of rows) {
    const id = groupOf.get(row.run_key);
    if (id === undefined) continue;
    const members = rowsOf.get(id);
    if (members) members.push(row);
    else rowsOf.set(id, [row]);
  }
  return rowsOf;
}

const NO_GROUPS: readonly Group[] = [];
const runKeyOf = (row: RunRow) => row.run_key;
const groupIdOf = (group: Group) => group.id;

/** Items with fresh values, in the order they had when *frozen* began; items that are new since then come last. */
function useFrozenOrder<Entry>(
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string,
  frozen: boolean,
): readonly Entry[] {
  const order = useRef<readonly string[]>([]);
  return useMemo(() => {
    if (!frozen || order.current.length === 0) {
      order.current = entries.map(keyOf);
      return entries;
    }
    const places = new Map(order.current.map((key, index) => [key, index]));
    const placeOf = (entry: Entry) => places.get(keyOf(entry)) ?? places.size;
    return [...entries].sort((a, b) => placeOf(a) - placeOf(b));
  }, [entries, keyOf, frozen]);
}
