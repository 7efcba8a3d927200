import { createContext, useContext } from "react";
import type { Axis } from "@/charts/core/model";
import { useView, zoomBack, zoomTo } from "@/state/view";

/** The zoom of charts that stand together: of a page all of one axis, of a report those of one figure. */
export interface Zoom {
  ranges: Readonly<Partial<Record<Axis, readonly [number, number]>>>;
  zoomTo(axis: Axis, range: readonly [number, number] | null): void;
  back(): void;
}

/** Null = the zoom of the page, which its address carries. */
export const ZoomContext = createContext<Zoom | null>(null);

export function useZoom(): Zoom {
  const own = useContext(ZoomContext);
  const ranges = useView((view) => view.zoom);
  return own ?? { ranges, zoomTo, back: zoomBack };
}
