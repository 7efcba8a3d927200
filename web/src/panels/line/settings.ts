import type { KeyInfo } from "@/api/types";
import { isSmoothable } from "@/charts/core/ema";
import type { Axis } from "@/charts/core/model";
import { useView } from "@/state/view";

/** The settings of one line panel, after the cascade workspace → panel. */
export interface LineSettings {
  axis: Axis;
  xLog: boolean;
  yLog: boolean;
  fit: boolean;
  band: boolean;
  smoothing: number;
  range: readonly [number, number] | null;
}

/** A machine's sensors have no steps: their charts are over time, whatever the workspace shows. */
export function axisOf(info: KeyInfo, axis: Axis): Axis {
  if (info.kind === "system") return axis === "wall" ? "wall" : "relative";
  // A metric that declared its own x (define_metric(step_metric=…)) is drawn over it by default.
  if (axis === "step" && info.step_metric) return `metric:${info.step_metric}`;
  return axis;
}

export function useLineSettings(info: KeyInfo): LineSettings {
  const axis = useView((view) => axisOf(info, view.axis));
  const xLog = useView((view) => view.overrides[info.key]?.xLog ?? view.xLog);
  const yLog = useView((view) => view.overrides[info.key]?.yLog ?? (view.yLog && info.kind !== "system"));
  const fit = useView((view) => view.overrides[info.key]?.fit ?? false);
  const band = useView((view) => view.band);
  const smoothing = useView((view) =>
    isSmoothable(info.key) && info.kind !== "system"
      ? (view.overrides[info.key]?.smoothing ?? view.smoothing)
      : 0,
  );
  const range = useView((view) => view.zoom[axis] ?? null);
  return { axis, xLog: xLog && axis !== "wall", yLog, fit, band, smoothing, range };
}
