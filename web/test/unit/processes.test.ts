// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { CHART_THEMES } from "@/charts/core/palette";
import { columnAt, type HeatmapModel, heatmapPainter } from "@/charts/heatmap";
import { decodeProcesses, encodeProcesses } from "@/features/processes/address";
import { headline } from "@/features/processes/Processes";

const RUN = "a".repeat(26);

describe("the address of processes", () => {
  it("comes back as it was, and is short at its default", () => {
    const address = {
      show: "logs",
      form: "heatmap",
      x: "wall",
      search: "loss",
      chosen: [RUN, `${RUN}/rank3`],
    } as const;
    expect(decodeProcesses(encodeProcesses(address))).toEqual(address);
    expect(encodeProcesses(decodeProcesses({}))).toEqual({});
  });

  it("never fails on a broken one, and names no process that cannot be", () => {
    const broken = { show: "x", form: "y", x: "metric:loss", only: `../etc,${RUN}/rank1,<b>` };
    expect(decodeProcesses(broken)).toMatchObject({
      show: "charts",
      form: "band",
      x: "step",
      chosen: [`${RUN}/rank1`],
    });
  });
});

describe("a heatmap", () => {
  const model: HeatmapModel = {
    ids: ["r0", "r0", "r0", "r1", "r1", "r1"],
    rows: ["0", "1"],
    axis: "step",
    edges: [0, 10, 20, 40],
    values: [1, 2, 3, 4, Number.NaN, 6],
    lo: 1,
    hi: 6,
  };
  const g = { measureText: () => ({ width: 20 }) } as unknown as CanvasRenderingContext2D;
  const size = { width: 430, height: 128, pixelRatio: 1 };
  const layout = heatmapPainter.layOut(g, model, size, CHART_THEMES.light);

  it("finds the cell under the pointer, in columns of unequal width", () => {
    expect([-5, 0, 9.9, 10, 20, 39, 40, 99].map((x) => columnAt(model.edges, x))).toEqual([
      0, 0, 0, 1, 2, 2, 2, 2,
    ]);
    model.ids.forEach((_, index) => {
      const place = heatmapPainter.place(model, layout, index);
      expect(place && heatmapPainter.find(model, layout, place[0], place[1])).toBe(index);
    });
    expect(heatmapPainter.find(model, layout, 2, 60)).toBe(-1);
  });

  it("paints no cell where nothing is", () => {
    const painted: string[] = [];
    const canvas = {
      set fillStyle(color: string) {
        painted.push(color);
      },
      fillRect: () => undefined,
    } as unknown as CanvasRenderingContext2D;
    heatmapPainter.paintMarks(canvas, model, layout, CHART_THEMES.light);
    expect(painted).toHaveLength(5);
    expect(new Set(painted).size).toBe(5);
  });
});

describe("the head of a job", () => {
  it("counts processes, machines and states", () => {
    expect(
      headline([
        { host: "a", state: "running" },
        { host: "b", state: "crashed" },
        { host: "b", state: "running" },
      ]),
    ).toBe("3 processes · 2 hosts · 2 running · 1 crashed");
    expect(headline([{ host: "a", state: "finished" }])).toBe("1 process · 1 host · 1 finished");
  });
});
