import type { Axis } from "@/charts/core/model";
import { ApiError } from "./error";
import type { Series, SeriesReply } from "./frames";
import type { SeriesRequest } from "./series";
import { SeriesCache } from "./seriesCache";

/** A run, or a group of runs whose mean is drawn. */
export interface Subject {
  id: string;
  /** Members of a group; null for a single run, whose key is the id. */
  runs: readonly string[] | null;
}

/** The line and band of a group; the server's words. */
export interface Statistic {
  center: "mean" | "median" | "iqm";
  band: "std" | "stderr" | "minmax" | "iqr" | "ci" | "none";
  confidence: number;
}

/** What one chart needs to draw. */
export interface Want {
  key: string;
  axis: Axis;
  range: readonly [number, number] | null;
  buckets: number;
  subjects: readonly Subject[];
  /** Of groups; absent = mean ± standard deviation. */
  statistic?: Statistic | null;
  /** Of runs that several ranks write: a band over all of them; absent = the line of rank 0. */
  ranks?: "band";
}

/** One chart's standing order. Life: `update` as often as wanted, then `close`. */
export interface Subscription {
  /** Replaces the order; null while the chart is out of view. */
  update(want: Want | null): void;
  /** The series of each subject: null = the run has no such key, undefined = not here yet. */
  read(): (Series | null | undefined)[];
  close(): void;
}

export type LoadStatus = "ready" | "loading" | ApiError;

type Fetch = (request: SeriesRequest, signal: AbortSignal) => Promise<SeriesReply>;

interface Order {
  want: Want | null;
  notify(status: LoadStatus): void;
}

interface Flight {
  window: string;
  keys: ReadonlySet<string>;
  /** Cache keys under way. */
  pairs: ReadonlySet<string>;
  controller: AbortController;
}

/** Charts scroll into view one by one; what they need within this time becomes one request. */
const GATHER_MS = 30;
/** News of a busy project come many a second; they are answered together. */
const REFRESH_MS = 250;
const RETRY_MS = 3_000;
const CACHE_BYTES = 256 * 2 ** 20;
const REQUEST_KEYS = 500;
const REQUEST_POINTS = 6_000_000;

/**
 * Brings series to charts: batched, cached, cancelled when nobody wants them any more.
 *
 * Requests are grouped by window (axis, range, buckets). A series is fetched again when one of its runs
 * changed after the request that brought it; until the answer is here the old points stay drawn. There is
 * never more than one request under way for the same window and series.
 */
export class SeriesLoader {
  private readonly orders = new Set<Order>();
  private readonly flights = new Set<Flight>();
  private readonly cache = new SeriesCache(CACHE_BYTES);
  /** When each run last changed, in ticks. */
  private readonly changedAt = new Map<string, number>();
  private tick = 0;
  private resetAt = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private dueAt = Number.POSITIVE_INFINITY;
  private refreshedAt = 0;

  constructor(private readonly fetch: Fetch) {}

  subscribe(notify: (status: LoadStatus) => void): Subscription {
    const order: Order = { want: null, notify };
    this.orders.add(order);
    return {
      update: (want) => {
        order.want = want;
        this.cancelUnwanted();
        if (want && this.lacks(want)) this.schedule(GATHER_MS);
      },
      read: () => (order.want ? this.read(order.want) : []),
      close: () => {
        this.orders.delete(order);
        order.want = null;
        this.cancelUnwanted();
      },
    };
  }

  /** Takes note that these runs have new points; charts in view ask for them again. null = all runs. */
  invalidate(runs: readonly string[] | null): void {
    this.tick++;
    if (runs === null) this.resetAt = this.tick;
    else for (const run of runs) this.changedAt.set(run, this.tick);
    const wait = Math.max(0, this.refreshedAt + REFRESH_MS - performance.now());
    this.schedule(wait);
  }

  private read(want: Want): (Series | null | undefined)[] {
    const window = windowOf(want);
    return want.subjects.map((subject) => this.cache.get(pairOf(window, want.key, subject))?.series);
  }

  private lacks(want: Want): boolean {
    const window = windowOf(want);
    return want.subjects.some((subject) => this.needs(pairOf(window, want.key, subject), subject));
  }

  private needs(pair: string, subject: Subject): boolean {
    const entry = this.cache.get(pair);
    if (!entry || entry.tick < this.resetAt) return true;
    const members = subject.runs ?? [subject.id];
    return members.some((run) => (this.changedAt.get(run) ?? 0) > entry.tick);
  }

  private schedule(delayMs: number): void {
    const dueAt = performance.now() + delayMs;
    if (dueAt >= this.dueAt) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.dueAt = dueAt;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.dueAt = Number.POSITIVE_INFINITY;
      this.send();
    }, delayMs);
  }

  /** Sends what is needed and not under way. */
  private send(): void {
    const underWay = new Set<string>();
    for (const flight of this.flights) for (const pair of flight.pairs) underWay.add(pair);

    const batches = new Map<string, Batch>();
    for (const { want } of this.orders) {
      if (!want) continue;
      const window = windowOf(want);
      for (const subject of want.subjects) {
        const pair = pairOf(window, want.key, subject);
        if (underWay.has(pair) || !this.needs(pair, subject)) continue;
        let batch = batches.get(window);
        if (!batch) {
          batch = new Batch(window, want);
          batches.set(window, batch);
        }
        batch.add(want.key, subject);
      }
    }
    this.refreshedAt = performance.now();
    for (const batch of batches.values()) for (const part of batch.parts()) void this.fly(part);
  }

  private async fly({ window, want, keys, subjects }: Part): Promise<void> {
    const pairs = new Map<string, { key: string; subject: Subject }>();
    for (const key of keys)
      for (const subject of subjects) pairs.set(pairOf(window, key, subject), { key, subject });
    const flight: Flight = {
      window,
      keys: new Set(keys),
      pairs: new Set(pairs.keys()),
      controller: new AbortController(),
    };
    const tick = this.tick;
    this.flights.add(flight);
    this.notify(flight, "loading");
    const groups = subjects.flatMap(({ id, runs }) => (runs ? [{ id, runs: [...runs] }] : []));
    const runs = subjects.flatMap(({ id, runs: members }) => (members ? [] : [id]));
    try {
      const reply = await this.fetch(
        {
          runs: runs.length > 0 ? runs : null,
          ...(groups.length > 0 ? { groups } : {}),
          keys,
          x: want.axis,
          range: want.range,
          buckets: want.buckets,
          ...(want.statistic && groups.length > 0 ? want.statistic : {}),
          ...(want.ranks && runs.length > 0 ? { ranks: want.ranks } : {}),
        },
        flight.controller.signal,
      );
      const found = new Map<string, Series>();
      for (const series of reply.series)
        found.set(`${series.key}|${series.group ?? series.run ?? ""}`, series);
      for (const [pair, { key, subject }] of pairs) {
        this.cache.set(pair, { series: found.get(`${key}|${subject.id}`) ?? null, tick });
      }
      this.flights.delete(flight);
      this.notify(flight, "ready");
      // News that came while the request was under way.
      if ([...this.orders].some(({ want: other }) => other && this.lacks(other))) this.schedule(REFRESH_MS);
    } catch (cause) {
      this.flights.delete(flight);
      if (flight.controller.signal.aborted) return;
      const error = cause instanceof ApiError ? cause : new ApiError(0, "unreadable", String(cause), null);
      this.notify(flight, error);
      // A bad request stays bad; a server that is away may come back.
      if (error.status === 0 || error.status >= 500) this.schedule(RETRY_MS);
    }
  }

  private notify(flight: Flight, status: LoadStatus): void {
    for (const order of this.orders) if (isFor(flight, order.want)) order.notify(status);
  }

  private cancelUnwanted(): void {
    for (const flight of this.flights) {
      if ([...this.orders].some((order) => isFor(flight, order.want))) continue;
      this.flights.delete(flight);
      flight.controller.abort();
    }
  }
}

interface Part {
  window: string;
  want: Want;
  keys: string[];
  subjects: Subject[];
}

/** Needs of one window, arranged so that keys which lack the same subjects share a request. */
class Batch {
  private readonly byKey = new Map<string, Map<string, Subject>>();

  constructor(
    private readonly window: string,
    private readonly want: Want,
  ) {}

  add(key: string, subject: Subject): void {
    let subjects = this.byKey.get(key);
    if (!subjects) {
      subjects = new Map();
      this.byKey.set(key, subjects);
    }
    subjects.set(identity(subject), subject);
  }

  parts(): Part[] {
    const full: Part[] = [];
    const parts = new Map<string, Part>();
    for (const [key, subjects] of this.byKey) {
      const signature = [...subjects.keys()].sort().join("\n");
      const part = parts.get(signature);
      if (part && fits(part, part.keys.length + 1)) part.keys.push(key);
      else {
        if (part) full.push(part);
        parts.set(signature, {
          window: this.window,
          want: this.want,
          keys: [key],
          subjects: [...subjects.values()],
        });
      }
    }
    return [...full, ...parts.values()];
  }
}

/** Whether a request stays below what the server computes at once (treering.limits.SERIES_MAX_POINTS, keys). */
function fits({ subjects, want }: Part, keys: number): boolean {
  const lines = subjects.reduce((count, { runs }) => count + 1 + (runs?.length ?? 0), 0);
  return keys <= REQUEST_KEYS && lines * keys * want.buckets <= REQUEST_POINTS;
}

function isFor(flight: Flight, want: Want | null): boolean {
  return want !== null && flight.keys.has(want.key) && flight.window === windowOf(want);
}

function windowOf({ axis, range, buckets, statistic, ranks }: Want): string {
  const group = statistic ? `${statistic.center} ${statistic.band} ${statistic.confidence}` : "";
  return `${axis}|${range ? range.join(":") : ""}|${buckets}|${group}|${ranks ?? ""}`;
}

function pairOf(window: string, key: string, subject: Subject): string {
  return `${window}|${key}|${identity(subject)}`;
}

const memberships = new WeakMap<readonly string[], string>();
let membershipCount = 0;
const membershipNames = new Map<string, string>();

/** A group that gained or lost a run is another subject: its mean is another line. */
function identity({ id, runs }: Subject): string {
  if (!runs) return id;
  let name = memberships.get(runs);
  if (name === undefined) {
    // Equal member lists come as new arrays after each refresh of the run list; they get one short name.
    const members = runs.join(",");
    name = membershipNames.get(members);
    if (name === undefined) {
      name = String(membershipCount++);
      membershipNames.set(members, name);
    }
    memberships.set(runs, name);
  }
  return `${id}#${name}`;
}
