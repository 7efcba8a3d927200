import { useMemo, useRef, useState } from "react";
import { ApiError } from "@/api/error";
import type { Want } from "@/api/seriesLoader";
import { ChartHost } from "@/charts/ChartHost";
import type { Axis, ChartModel } from "@/charts/core/model";
import type { ChartFacts } from "@/charts/line";
import { useTheme } from "@/state/theme";
import { changePanel, changeView, zoomBack, zoomTo } from "@/state/view";
import { useInView } from "@/ui/useInView";
import { useCast } from "../cast";
import { PanelFrame } from "../PanelFrame";
import type { PanelProps } from "../registry";
import { bucketsFor } from "./buckets";
import { Legend } from "./Legend";
import { LineMenu } from "./LineMenu";
import { buildLines, countPoints } from "./lines";
import { PointsNote } from "./PointsNote";
import { useLineSettings } from "./settings";
import { usePoints } from "./usePoints";

const NO_FACTS: ChartFacts = { offScale: 0, notPositive: 0, density: false };

/** More names than this say less than the sidebar does. */
const LEGEND_LINES = 6;

/** A metric or sensor of all shown runs over step, time or another metric. */
export function LinePanel({ info, fullScreen }: PanelProps) {
  const cast = useCast();
  const settings = useLineSettings(info);
  const theme = useTheme((store) => store.name);
  const [width, setWidth] = useState(0);
  const [facts, setFacts] = useState(NO_FACTS);
  const readout = useRef<HTMLOutputElement>(null);
  const [frame, visible] = useInView<HTMLElement>();
  /** The range under the fingers while a pan or wheel zoom goes on; asked for only when it ends. */
  const [moving, setMoving] = useState<readonly [number, number] | null>(null);

  const { axis, range, smoothing, xLog, yLog, fit, band } = settings;
  const buckets = width > 0 ? bucketsFor(width - 54, window.devicePixelRatio, cast.members.length) : 0;
  const want = useMemo<Want | null>(
    () => (buckets > 0 ? { key: info.key, axis, range, buckets, subjects: cast.members } : null),
    [info.key, axis, range, buckets, cast],
  );
  const { series, status } = usePoints(want, visible);
  const lines = useMemo(() => buildLines(cast, series, theme, smoothing), [cast, series, theme, smoothing]);
  const counts = useMemo(() => countPoints(lines, series), [lines, series]);
  const model = useMemo<ChartModel>(
    () => ({
      lines,
      axis,
      xLog,
      yLog,
      xRange: moving ?? range,
      yMode: fit ? "fit" : "robust",
      band: band || cast.grouped,
      unit: info.unit,
    }),
    [lines, axis, xLog, yLog, moving, range, fit, band, cast.grouped, info.unit],
  );

  const onRange = (changed: Axis, next: readonly [number, number], final: boolean) => {
    setMoving(final ? null : next);
    if (final) zoomTo(changed, next);
  };
  const setOpen = (open: boolean) => changeView({ panel: open ? info.key : null });

  return (
    <PanelFrame
      ref={frame}
      panelKey={info.key}
      badges={
        <>
          {yLog && <span className="badge">log</span>}
          {smoothing > 0 && fullScreen && (
            <span className="badge" title="Exponential moving average; the values as logged are drawn faint">
              smoothed {smoothing}
            </span>
          )}
          {facts.offScale > 0 && (
            <button
              type="button"
              className="badge warn"
              title="Diverged lines are left out of the y range. Click to show all of them."
              onClick={() => changePanel(info.key, { fit: true })}
            >
              {facts.offScale} off scale
            </button>
          )}
          {fit && (
            <button
              type="button"
              className="badge warn"
              title="Leave diverged lines out of the y range again."
              onClick={() => changePanel(info.key, { fit: undefined })}
            >
              fits all
            </button>
          )}
          {facts.notPositive > 0 && (
            <span className="badge" title="A log axis has no place for values of zero and below.">
              {facts.notPositive} ≤ 0 hidden
            </span>
          )}
        </>
      }
      readout={<output ref={readout} className="panel-readout" aria-live="polite" />}
      actions={
        <LineMenu
          info={info}
          settings={settings}
          lines={lines}
          series={series}
          fullScreen={fullScreen}
          onOpen={() => setOpen(!fullScreen)}
        />
      }
      footer={
        <>
          <PointsNote counts={counts} lines={lines.length} density={facts.density} status={status} />
          {cast.named && (fullScreen || lines.length <= LEGEND_LINES) && <Legend lines={lines} />}
        </>
      }
    >
      <ChartHost
        name={info.key}
        model={model}
        theme={theme}
        counts={counts}
        onReadout={(text) => {
          if (readout.current && readout.current.textContent !== (text ?? ""))
            readout.current.textContent = text;
        }}
        onFacts={(next) =>
          setFacts((former) =>
            former.offScale === next.offScale &&
            former.notPositive === next.notPositive &&
            former.density === next.density
              ? former
              : next,
          )
        }
        onSize={setWidth}
        onRange={onRange}
        onReset={(changed) => zoomTo(changed, null)}
        onBack={zoomBack}
        onOpen={() => setOpen(true)}
      />
      {status instanceof ApiError && <p className="panel-error">{status.message}</p>}
      {status === "ready" && lines.length === 0 && (
        <p className="panel-empty">No shown run has this metric.</p>
      )}
    </PanelFrame>
  );
}
