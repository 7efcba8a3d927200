import { describe, expect, it } from "vitest";
import type { KeyInfo } from "@/api/types";
import { type Arranged, arrange, panelOf } from "@/state/arrangement";
import {
  AUTOMATIC,
  addPanel,
  addSection,
  duplicatePanel,
  editSection,
  isAutomatic,
  type Layout,
  movePanel,
  moveSection,
  ownSection,
  type Panel,
  removePanel,
  removeSection,
  replacePanel,
  showPanels,
} from "@/state/layout";
import { readLayout, writeLayout } from "@/state/readLayout";

const info = (key: string, kind: KeyInfo["kind"] = "number"): KeyInfo => ({
  key,
  kind,
  runs: 1,
  step_metric: null,
  goal: null,
  unit: null,
  summary: [],
  hidden: false,
});
const KEYS = ["train/l10", "train/l2", "train/loss", "val/acc", "val/loss", "loss"].map((key) => info(key));
const ALL = [...KEYS, info("system/cpu", "system")];
const lineFor = () => "line";

const stand = (layout: Layout, keys: readonly KeyInfo[] = ALL) => arrange(layout, keys, lineFor);
const names = (layout: Layout, keys?: readonly KeyInfo[]) =>
  stand(layout, keys).sections.map(({ section }) => section.name);
const ids = (layout: Layout, name: string, keys?: readonly KeyInfo[]) =>
  find(layout, name, keys).entries.map(({ id }) => id);

function find(layout: Layout, name: string, keys?: readonly KeyInfo[]): Arranged {
  const found = stand(layout, keys).sections.find(({ section }) => section.name === name);
  if (!found) throw new Error(`no section ${name}`);
  return found;
}

/** Drops the panel *id* in front of *before* in a section. */
function drop(layout: Layout, id: string, name: string, before: string | null): Layout {
  const all = stand(layout).sections.flatMap(({ entries }) => entries);
  const panel = all.find((entry) => entry.id === id);
  if (!panel) throw new Error(`no panel ${id}`);
  const target = find(layout, name);
  return movePanel(layout, panelOf(panel), target.section, target.entries.map(panelOf), before);
}

const OWN: Panel = { id: "+p", type: "line", settings: { keys: ["val/acc"] } };

describe("the automatic layout", () => {
  it("has a section per prefix: unprefixed first, system last, natural order inside", () => {
    expect(names(AUTOMATIC)).toEqual(["Charts", "train", "val", "system"]);
    expect(ids(AUTOMATIC, "train")).toEqual(["train/l2", "train/l10", "train/loss"]);
  });

  it("gives the same entries while nothing changed, so that nothing renders again", () => {
    const [a, b] = [stand(AUTOMATIC), stand(AUTOMATIC)];
    expect(a.sections[1]?.entries[0]).toBe(b.sections[1]?.entries[0]);
    expect(a.sections[1]?.section).toBe(b.sections[1]?.section);
  });

  it("lays out 100,000 keys in a blink", () => {
    const many = Array.from({ length: 100_000 }, (_, i) => info(`layer${i % 40}/w${i}`));
    const start = performance.now();
    const found = arrange(AUTOMATIC, many, lineFor);
    expect(found.sections).toHaveLength(40);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

describe("a panel that is moved", () => {
  it("keeps its place, and new keys join behind those that have one", () => {
    const moved = drop(AUTOMATIC, "train/loss", "train", "train/l2");

    expect(ids(moved, "train")).toEqual(["train/loss", "train/l2", "train/l10"]);
    expect(ids(moved, "train", [...ALL, info("train/a")])).toEqual([
      "train/loss",
      "train/a",
      "train/l2",
      "train/l10",
    ]);
  });

  it("to another section leaves its own, and goes home when that one is removed", () => {
    const own = addSection(AUTOMATIC, ownSection("+s", "Mine"), []);
    const moved = drop(own, "val/loss", "Mine", null);

    expect(ids(moved, "val")).toEqual(["val/acc"]);
    expect(ids(moved, "Mine")).toEqual(["val/loss"]);
    expect(ids(removeSection(moved, find(moved, "Mine").section), "val")).toEqual(["val/acc", "val/loss"]);
  });

  it("takes what it does differently along, and back home", () => {
    const changed = replacePanel(AUTOMATIC, { id: "val/loss", type: "line", settings: { yLog: true } });
    const own = addSection(changed, ownSection("+s", "Mine"), []);
    const moved = drop(own, "val/loss", "Mine", null);
    const home = removeSection(moved, find(moved, "Mine").section);

    expect(moved.changed).toEqual([]);
    expect(find(moved, "Mine").entries[0]?.stored?.settings).toEqual({ yLog: true });
    expect(home.changed).toEqual([{ id: "val/loss", type: "line", settings: { yLog: true } }]);
  });

  it("to the end gives all before it a place", () => {
    const moved = drop(AUTOMATIC, "train/l2", "train", null);

    expect(ids(moved, "train")).toEqual(["train/l10", "train/loss", "train/l2"]);
  });

  it("never appears twice, wherever it is dropped", () => {
    let layout: Layout = addSection(AUTOMATIC, ownSection("+s", "Mine"), []);
    let seed = 7;
    const random = (n: number) => {
      seed = (seed * 16807) % 2147483647;
      return seed % n;
    };
    for (let i = 0; i < 300; i++) {
      const { sections } = stand(layout);
      const entries = sections.flatMap((arranged) => arranged.entries);
      const target = sections[random(sections.length)];
      const entry = entries[random(entries.length)];
      if (!target || !entry) throw new Error("nothing to move");
      const before = target.entries[random(target.entries.length + 1)]?.id ?? null;
      layout = movePanel(layout, panelOf(entry), target.section, target.entries.map(panelOf), before);
      const now = stand(layout).sections.flatMap((arranged) => arranged.entries.map(({ id }) => id));
      expect([...now].sort()).toEqual(ALL.map(({ key }) => key).sort());
    }
    expect(readLayout(JSON.parse(JSON.stringify(writeLayout(layout))))).toEqual(layout);
  });
});

describe("a panel that is removed", () => {
  it("is hidden if it is a key's, with its settings, and comes back", () => {
    const changed = replacePanel(AUTOMATIC, { id: "val/loss", type: "line", settings: { fit: true } });
    const removed = removePanel(changed, "val/loss");

    expect(ids(removed, "val")).toEqual(["val/acc"]);
    expect(find(removed, "val").hidden).toEqual(["val/loss"]);
    expect(find(showPanels(removed, ["val/loss"]), "val").entries[1]?.stored?.settings).toEqual({
      fit: true,
    });
  });

  it("is gone if it was added", () => {
    const added = addPanel(AUTOMATIC, find(AUTOMATIC, "val").section, OWN);
    expect(ids(added, "val")[0]).toBe("+p");
    expect(removePanel(added, "+p")).toEqual(AUTOMATIC);
  });

  it("leaves its section there, to be brought back from", () => {
    const layout = ["val/acc", "val/loss"].reduce(removePanel, AUTOMATIC);
    expect(find(layout, "val").hidden).toHaveLength(2);
  });
});

describe("a panel", () => {
  it("that differs no more is forgotten", () => {
    const changed = replacePanel(AUTOMATIC, { id: "loss", type: "line", title: "Loss", settings: {} });
    expect(changed.changed).toHaveLength(1);
    expect(replacePanel(changed, { id: "loss", type: "line", settings: {} })).toEqual(AUTOMATIC);
  });

  it("is doubled right behind itself", () => {
    const { section, entries } = find(AUTOMATIC, "train");
    const copied = duplicatePanel(AUTOMATIC, OWN, "train/l2", section, entries.map(panelOf));
    expect(ids(copied, "train")).toEqual(["train/l2", "+p", "train/l10", "train/loss"]);
  });

  it("of a key that nobody logs any more stays where it was put", () => {
    const moved = drop(AUTOMATIC, "train/loss", "train", "train/l2");
    const gone = ALL.filter(({ key }) => key !== "train/loss");
    expect(find(moved, "train", gone).entries[0]).toMatchObject({ id: "train/loss", info: null });
  });
});

describe("sections", () => {
  it("are put in any order, and new ones stand where they would by themselves", () => {
    const shown = stand(AUTOMATIC).sections.map(({ section }) => section.id);
    const moved = moveSection(AUTOMATIC, shown, "section:system", 0);

    expect(names(moved)).toEqual(["system", "Charts", "train", "val"]);
    expect(names(moved, [...ALL, info("tune/x")])).toEqual(["system", "Charts", "train", "tune", "val"]);
  });

  it("are renamed and folded, and forgotten when they are as before", () => {
    const { section } = find(AUTOMATIC, "val");
    const renamed = editSection(AUTOMATIC, section, { name: "Validation", open: false });

    expect(names(renamed)).toContain("Validation");
    const back = find(renamed, "Validation").section;
    expect(editSection(renamed, back, { name: "val", open: true })).toEqual(AUTOMATIC);
  });

  it("are hidden and not lost if keys make them", () => {
    const removed = removeSection(AUTOMATIC, find(AUTOMATIC, "val").section);

    expect(names(removed)).not.toContain("val");
    expect(stand(removed).removed.map(({ name }) => name)).toEqual(["val"]);
  });

  it("that were added stand on top and stay without panels", () => {
    const shown = stand(AUTOMATIC).sections.map(({ section }) => section.id);
    const added = addSection(AUTOMATIC, ownSection("+s", "Mine"), shown);
    expect(names(added)).toEqual(["Mine", "Charts", "train", "val", "system"]);
  });
});

describe("a layout from a file", () => {
  it("may be written by hand: ids are given, doubled panels left out, spans held", () => {
    const layout = readLayout({
      sections: [
        {
          name: "Paper",
          panels: [
            { type: "line", settings: { keys: ["a"] }, span: { w: 9, h: 0 } },
            { type: "scatter" },
            { id: "val/acc", type: "line" },
            { id: "val/acc", type: "line" },
            { type: 3 },
          ],
        },
        { auto: "val", open: false },
        { auto: "val", name: "again" },
      ],
    });

    expect(layout.sections.map(({ name, auto }) => [name, auto])).toEqual([
      ["Paper", null],
      ["val", "val"],
    ]);
    const panels = layout.sections[0]?.panels ?? [];
    expect(panels).toHaveLength(3);
    expect(panels[0]?.span).toEqual({ w: 4, h: 1 });
    expect(panels.slice(0, 2).every(({ id }) => !isAutomatic(id))).toBe(true);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(3);
  });

  it.each([null, 3, "x", [], { sections: 1 }, { sections: [null, 4], hidden: "a", order: [1] }])(
    "never fails: %j",
    (raw) => expect(() => readLayout(raw)).not.toThrow(),
  );
});
