import { useEffect, useMemo, useRef, useState } from "react";
import { ApiError } from "@/api/error";
import type { Series } from "@/api/frames";
import { seriesLoader } from "@/api/points";
import type { LoadStatus, Subscription, Want } from "@/api/seriesLoader";

/** A chart redraws at most this often while points stream in. */
const REDRAW_MS = 500;

export interface Points {
  /** By subject id. Holds the former points while others are on their way. */
  series: ReadonlyMap<string, Series>;
  status: LoadStatus;
}

/** The points of one chart, kept current while it is in view. */
export function usePoints(want: Want | null, visible: boolean): Points {
  const [points, setPoints] = useState<Points>({ series: new Map(), status: "loading" });
  const subscription = useRef<Subscription | null>(null);
  const latest = useRef(want);
  latest.current = want;
  // Points of another axis or key must never be shown as these, not even for one frame.
  const lineage = want ? `${want.key}|${want.axis}` : "";
  const held = useRef<{ lineage: string; series: Map<string, Series> }>({ lineage, series: new Map() });

  const collect = useMemo(
    () =>
      (status: LoadStatus): void => {
        const order = latest.current;
        const entries = subscription.current?.read();
        if (!order || !entries) return;
        const name = `${order.key}|${order.axis}`;
        const former = held.current.lineage === name ? held.current.series : new Map<string, Series>();
        const series = new Map<string, Series>();
        let complete = true;
        order.subjects.forEach(({ id }, index) => {
          const entry = entries[index];
          if (entry === undefined) complete = false;
          const kept = entry === undefined ? former.get(id) : entry;
          if (kept) series.set(id, kept);
        });
        held.current = { lineage: name, series };
        setPoints({ series, status: status instanceof ApiError ? status : complete ? "ready" : "loading" });
      },
    [],
  );

  useEffect(() => {
    let redrawnAt = 0;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const current = seriesLoader.subscribe((status) => {
      if (status === "loading") {
        if (held.current.series.size === 0) collect(status);
        return;
      }
      if (timer !== null) return;
      const wait = redrawnAt + REDRAW_MS - performance.now();
      const redraw = () => {
        timer = null;
        redrawnAt = performance.now();
        collect(status);
      };
      if (wait <= 0) redraw();
      else timer = setTimeout(redraw, wait);
    });
    subscription.current = current;
    return () => {
      if (timer !== null) clearTimeout(timer);
      current.close();
      subscription.current = null;
    };
  }, [collect]);

  useEffect(() => {
    const current = subscription.current;
    if (!current) return;
    current.update(visible ? want : null);
    if (visible && want) collect(current.read().includes(undefined) ? "loading" : "ready");
  }, [want, visible, collect]);

  return points;
}
