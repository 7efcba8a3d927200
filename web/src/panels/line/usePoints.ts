import { useEffect, useMemo, useRef, useState } from "react";
import { ApiError } from "@/api/error";
import type { Series } from "@/api/frames";
import type { LoadStatus, Subscription, Want } from "@/api/seriesLoader";
import { useSource } from "../source";

/** A chart redraws at most this often while points stream in. */
const REDRAW_MS = 500;

/** Series of a chart, by `seriesId`. */
export type SeriesMap = ReadonlyMap<string, Series>;

export interface Points {
  /** Holds the former points while others are on their way. */
  series: SeriesMap;
  status: LoadStatus;
}

/** Tells the series of one key and subject from all others of a chart. */
export function seriesId(key: string, subjectId: string): string {
  return `${key}\u0000${subjectId}`;
}

interface Standing {
  subscription: Subscription;
  status: LoadStatus;
}

const NONE: Points = { series: new Map(), status: "loading" };

/** The points of one chart, kept current while it is in view: one want per key. */
export function usePoints(wants: readonly Want[], visible: boolean): Points {
  const { series: loader } = useSource();
  const [points, setPoints] = useState<Points>(NONE);
  const latest = useRef(wants);
  latest.current = wants;
  const standing = useRef<Standing[]>([]);
  // Points of another axis must never be shown as these, not even for one frame.
  const held = useRef<{ axis: string; series: Map<string, Series> }>({ axis: "", series: new Map() });

  const collect = useMemo(
    () => () => {
      const orders = latest.current;
      const axis = orders[0]?.axis ?? "";
      const former = held.current.axis === axis ? held.current.series : new Map<string, Series>();
      const series = new Map<string, Series>();
      let complete = true;
      let trouble: ApiError | null = null;
      orders.forEach((order, place) => {
        const stand = standing.current[place];
        const entries = stand?.subscription.read() ?? [];
        if (stand?.status instanceof ApiError) trouble ??= stand.status;
        order.subjects.forEach(({ id }, index) => {
          const name = seriesId(order.key, id);
          const entry = entries[index];
          if (entry === undefined) complete = false;
          const kept = entry === undefined ? former.get(name) : entry;
          if (kept) series.set(name, kept);
        });
      });
      held.current = { axis, series };
      setPoints({ series, status: trouble ?? (complete ? "ready" : "loading") });
    },
    [],
  );
  const redraw = useMemo(() => throttle(REDRAW_MS, collect), [collect]);

  useEffect(
    () => () => {
      redraw.cancel();
      for (const { subscription } of standing.current) subscription.close();
      standing.current = [];
    },
    [redraw],
  );

  useEffect(() => {
    const stands = standing.current;
    while (stands.length > wants.length) stands.pop()?.subscription.close();
    while (stands.length < wants.length) {
      const stand: Standing = {
        status: "loading",
        subscription: loader.subscribe((status) => {
          stand.status = status;
          if (status === "loading") {
            if (held.current.series.size === 0) collect();
          } else redraw.call();
        }),
      };
      stands.push(stand);
    }
    wants.forEach((want, place) => {
      const stand = stands[place];
      if (!stand) return;
      stand.status = "loading";
      stand.subscription.update(visible ? want : null);
    });
    if (visible && wants.length > 0) collect();
  }, [wants, visible, redraw, collect, loader]);

  return points;
}

/** Calls at once, then at most every *ms*; the last call is never lost. */
function throttle(ms: number, work: () => void): { call(): void; cancel(): void } {
  let calledAt = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const now = () => {
    timer = null;
    calledAt = performance.now();
    work();
  };
  return {
    call: () => {
      if (timer !== null) return;
      const wait = calledAt + ms - performance.now();
      if (wait <= 0) now();
      else timer = setTimeout(now, wait);
    },
    cancel: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
