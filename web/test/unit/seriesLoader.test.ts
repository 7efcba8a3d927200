import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Series, SeriesReply } from "@/api/frames";
import type { SeriesRequest } from "@/api/series";
import { SeriesLoader, type Want } from "@/api/seriesLoader";

function series(run: string, key: string, lastX: number): Series {
  const x = Float64Array.from([0, lastX]);
  return {
    run,
    group: null,
    process: null,
    key,
    exact: true,
    total: 2,
    totalAll: 2,
    x,
    y: x,
    lo: null,
    hi: null,
    count: null,
    nonfinite: null,
    ghost: null,
    firstX: 0,
    lastX,
    bytes: 32,
  };
}

/** A server that answers when told to. */
class Server {
  requests: { request: SeriesRequest; signal: AbortSignal; answer(): void }[] = [];
  lastX = 1;
  fetch = (request: SeriesRequest, signal: AbortSignal): Promise<SeriesReply> =>
    new Promise((resolve) => {
      const answer = () =>
        resolve({
          seq: 1,
          missing: [],
          series: request.keys.flatMap((key) =>
            (request.runs ?? []).map((run) => series(run, key, this.lastX)),
          ),
        });
      this.requests.push({ request, signal, answer });
    });
}

const want = (key: string, runs: string[], change: Partial<Want> = {}): Want => ({
  key,
  axis: "step",
  range: null,
  buckets: 300,
  subjects: runs.map((id) => ({ id, runs: null })),
  ...change,
});

describe("the series loader", () => {
  let server: Server;
  let loader: SeriesLoader;
  const settle = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const ignore = () => undefined;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    loader = new SeriesLoader(server.fetch);
  });
  afterEach(() => vi.useRealTimers());

  it("asks once for all charts that came into view together", async () => {
    for (const key of ["loss", "acc", "lr"]) loader.subscribe(ignore).update(want(key, ["a", "b"]));
    await settle(31);

    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.request.keys).toEqual(["loss", "acc", "lr"]);
    expect(server.requests[0]?.request.runs).toEqual(["a", "b"]);
  });

  it("answers from its cache when a chart comes back", async () => {
    const chart = loader.subscribe(ignore);
    chart.update(want("loss", ["a"]));
    await settle(31);
    server.requests[0]?.answer();
    await settle(0);
    chart.update(null);
    chart.update(want("loss", ["a"]));
    await settle(100);

    expect(server.requests).toHaveLength(1);
    expect(chart.read()[0]?.lastX).toBe(1);
  });

  it("fetches only the runs that changed, and keeps the old points until then", async () => {
    const chart = loader.subscribe(ignore);
    chart.update(want("loss", ["a", "b"]));
    await settle(31);
    server.requests[0]?.answer();
    await settle(0);
    server.lastX = 2;
    loader.invalidate(["b"]);
    await settle(300);

    expect(server.requests[1]?.request.runs).toEqual(["b"]);
    expect(chart.read()[1]?.lastX).toBe(1);
    server.requests[1]?.answer();
    await settle(0);
    expect(chart.read().map((entry) => entry?.lastX)).toEqual([1, 2]);
  });

  it("has one request under way for the same series, and asks again if it changed meanwhile", async () => {
    const chart = loader.subscribe(ignore);
    chart.update(want("loss", ["a"]));
    await settle(31);
    loader.invalidate(["a"]);
    await settle(1000);
    expect(server.requests).toHaveLength(1);

    server.requests[0]?.answer();
    await settle(300);
    expect(server.requests).toHaveLength(2);
  });

  it("cancels what nobody wants any more", async () => {
    const chart = loader.subscribe(ignore);
    chart.update(want("loss", ["a"]));
    await settle(31);
    chart.update(want("loss", ["a"], { range: [0, 10] }));
    await settle(31);

    expect(server.requests[0]?.signal.aborted).toBe(true);
    expect(server.requests[1]?.signal.aborted).toBe(false);
  });

  it("fetches a group again when one of its runs changed", async () => {
    const members = ["a", "b"];
    const chart = loader.subscribe(ignore);
    chart.update(want("loss", [], { subjects: [{ id: "g", runs: members }] }));
    await settle(31);
    server.requests[0]?.answer();
    await settle(0);
    loader.invalidate(["b"]);
    await settle(300);

    expect(server.requests[1]?.request.groups).toEqual([{ id: "g", runs: members }]);
  });
});
