import { describe, expect, it } from "vitest";
import { automaticSection, type Layout, ownSection } from "@/state/layout";
import { NONE_SHOWN, setShown } from "@/state/selection";
import { DEFAULT_VIEW, type View } from "@/state/view";
import { decodeDifference, decodeView, encodeDifference, encodeView } from "@/state/viewUrl";

/** Through a real address, with everything that escaping does. */
function roundTrip(view: View): View {
  const query = new URLSearchParams(encodeView(view)).toString();
  return decodeView(Object.fromEntries(new URLSearchParams(query)));
}

describe("a link", () => {
  it("to an untouched workspace has no parameters", () => {
    expect(encodeView(DEFAULT_VIEW)).toEqual({});
    expect(decodeView({})).toEqual(DEFAULT_VIEW);
  });

  it("restores everything that changes the picture", () => {
    const view: View = {
      panelSearch: "loss|a&b=c#",
      panelRegex: false,
      runSearch: "^vit",
      runRegex: true,
      filter: 'config.lr >= 1e-3 and tags has "a b"',
      sort: { by: "metric:val/acc@k.last", agg: "max", desc: true },
      group: ["config.model", "config.a,b"],
      individual: true,
      settings: {
        axis: "metric:train/tokens",
        xLog: true,
        yLog: true,
        smoothing: 0.6,
        smoothingKind: "gaussian",
        band: false,
        center: "median",
        spread: "ci",
        confidence: 0.9,
        faint: true,
        colorBy: ["metric:val/acc", "max"],
        dashBy: ["config.model"],
      },
      zoom: { step: [100, 2000.5], "metric:train/tokens": [0, 1e9], relative: [-1, 60] },
      size: "l",
      panel: "val/loss",
      selection: setShown(NONE_SHOWN, [1, 2, 3, 9], true),
      pinned: [4, 7],
      collapsed: ['group:["vit"]'],
      baseline: 12,
      layout: {
        sections: [
          {
            ...automaticSection("train"),
            open: false,
            size: "s",
            settings: { yLog: true },
            panels: [{ id: "train/loss", type: "line", settings: { yRange: [0, null] } }],
          },
          ownSection("+a", "Mine & yours", [
            {
              id: "+b",
              type: "line",
              title: "a/b?",
              span: { w: 2, h: 1 },
              settings: { keys: ["a", "=1 - b"] },
            },
          ]),
        ],
        changed: [{ id: "val/loss", type: "line", settings: { fit: true } }],
        hidden: ["val/acc"],
        order: ["+a", "section:train"],
      },
      table: { columns: [["config.lr"]] },
      stepLinked: false,
      step: 300,
      steps: { "media/image": 200, "a,b": 0 },
    };

    expect(roundTrip(view)).toEqual(view);
  });

  it("tells no run shown from all runs shown", () => {
    expect(roundTrip({ ...DEFAULT_VIEW, selection: NONE_SHOWN }).selection).toEqual(NONE_SHOWN);
  });

  it("that is broken opens the default instead of failing", () => {
    const broken = decodeView({
      smooth: "NaN",
      zoom: '{"step":[5,1],"nonsense":[1,2],"wall":"x"',
      group: "{",
      set: "[1,2]",
      layout: '{"sections":[{"panels":3}, null],"hidden":[1],"order":"x"}',
      table: "3",
      size: "xxl",
      x: "metric:",
      hide: "a,b,1-",
      sort: "",
    });

    const { layout, ...rest } = broken;
    expect({ ...rest, layout: DEFAULT_VIEW.layout }).toEqual(DEFAULT_VIEW);
    expect(layout.sections.map(({ name, panels }) => [name, panels])).toEqual([["Section", []]]);
  });
});

describe("a link to a saved view", () => {
  const layout = (...names: string[]): Layout => ({
    sections: names.map((name) => ownSection(`+${name}`, name)),
    changed: [],
    hidden: [],
    order: [],
  });
  const saved: View = {
    ...DEFAULT_VIEW,
    filter: "state = finished",
    settings: { smoothing: 0.6, yLog: true },
    selection: setShown(NONE_SHOWN, [1, 2, 3], true),
    layout: layout("a", "b", "c"),
  };
  const through = (view: View) => {
    const params = encodeDifference(saved, view);
    const query = new URLSearchParams(params).toString();
    return { params, view: decodeDifference(saved, Object.fromEntries(new URLSearchParams(query))) };
  };

  it("that is unchanged needs no more than its name", () => {
    expect(through(saved)).toEqual({ params: {}, view: saved });
  });

  it("carries only what differs, also what went back to the default", () => {
    const changed: View = { ...saved, filter: "", settings: { smoothing: 0.6 }, size: "l" };

    expect(through(changed)).toEqual({ params: { filter: "", ylog: "", size: "l" }, view: changed });
  });

  it("tells other runs shown from runs hidden", () => {
    const hidden: View = { ...saved, selection: { shown: "all", except: new Set([7]) } };
    const all: View = { ...saved, selection: { shown: "all", except: new Set() } };

    expect(through(hidden).view).toEqual(hidden);
    expect(through(all).view).toEqual(all);
  });

  it("carries only the sections that changed", () => {
    const renamed = { ...ownSection("+b", "Beta") };
    const changed: View = {
      ...saved,
      layout: {
        ...saved.layout,
        sections: [ownSection("+a", "a"), renamed, ownSection("+d", "d")],
        order: ["+d"],
      },
    };

    const { params, view } = through(changed);

    expect(view).toEqual(changed);
    expect(params.layout).not.toContain('"+a"');
    expect(JSON.parse(params.layout ?? "")).toMatchObject({ dropped: ["+c"], order: ["+d"] });
  });
});
