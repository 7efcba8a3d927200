import { describe, expect, it } from "vitest";
import { NONE_SHOWN, setShown } from "@/state/selection";
import { DEFAULT_VIEW, type View } from "@/state/view";
import { decodeView, encodeView } from "@/state/viewUrl";

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
      axis: "metric:train/tokens",
      xLog: true,
      yLog: true,
      smoothing: 0.6,
      band: false,
      zoom: { step: [100, 2000.5], "metric:train/tokens": [0, 1e9], relative: [-1, 60] },
      size: "l",
      panel: "val/loss",
      selection: setShown(NONE_SHOWN, [1, 2, 3, 9], true),
      pinned: [4, 7],
      collapsed: ["section:train", 'group:["vit"]'],
      stepLinked: false,
      step: 300,
      steps: { "media/image": 200, "a,b": 0 },
      overrides: { "train/loss": { yLog: true, smoothing: 0 }, "a/b": { fit: true, xLog: false } },
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
      size: "xxl",
      x: "metric:",
      hide: "a,b,1-",
      sort: "",
    });

    expect(broken).toEqual(DEFAULT_VIEW);
  });
});
