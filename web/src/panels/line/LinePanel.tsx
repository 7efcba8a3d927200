import { useMemo, useRef, useState } from "react";
import { ApiError } from "@/api/error";
import { ChartHost } from "@/charts/ChartHost";
import type { ChartFacts, LineChart } from "@/charts/line";
import { useTheme } from "@/state/theme";
import { useInView } from "@/ui/useInView";
import { useCast } from "../cast";
import { usePlace } from "../frame";
import { PanelFrame } from "../PanelFrame";
import type { PanelProps } from "../registry";
import { useSource } from "../source";
import { useZoom } from "../zoom";
import { Legend } from "./Legend";
import { LineBadges } from "./LineBadges";
import { lineExports } from "./lineExports";
import { PointsNote } from "./PointsNote";
import type { LineSettings } from "./settings";
import { type LinePicture, useLine, writeReadout } from "./useLine";

const NO_FACTS: ChartFacts = { offScale: 0, notPositive: 0, density: false };
const NO_LINES: readonly [] = [];

/** More names than this say less than the sidebar does. */
const LEGEND_LINES = 6;

/** Metrics, sensors or expressions over them, of all shown runs or groups, over step, time or another metric. */
export function LinePanel({ panel, info, settings: asked, onChange, fullScreen }: PanelProps<LineSettings>) {
  const cast = useCast();
  const place = usePlace();
  const zoom = useZoom();
  const every = !useSource().frozen;
  const theme = useTheme((store) => store.name);
  const [width, setWidth] = useState(0);
  const [facts, setFacts] = useState(NO_FACTS);
  const readout = useRef<HTMLOutputElement>(null);
  const chart = useRef<LineChart | null>(null);
  const [frame, visible] = useInView<HTMLElement>();
  /** Asked for only when the fingers rest. */
  const [moving, setMoving] = useState<readonly [number, number] | null>(null);
  const picture = useLine({ info, asked, own: panel.settings, width, visible, moving });
  const { settings, shown, model, lines, series, painting, counts, status } = picture;
  const { axis, unit } = model;
  const exports = useMemo(
    () => lineExports({ name: place.name, lines, axis, unit, series, keys: shown.keys, cast, chart, every }),
    [place.name, lines, axis, unit, series, shown.keys, cast, every],
  );
  const named = isNamed(picture, cast.named || shown.keys.length > 1, fullScreen);
  return (
    <PanelFrame
      ref={frame}
      badges={
        <LineBadges
          settings={settings}
          facts={facts}
          fullScreen={fullScreen}
          shown={shown}
          onFit={(on) => onChange({ fit: on || undefined })}
        />
      }
      readout={<output ref={readout} className="panel-readout" aria-live="polite" />}
      exports={exports}
      footer={
        <>
          <PointsNote
            counts={counts}
            lines={lines.length}
            density={facts.density}
            status={status}
            smoothing={settings.smoothing}
            faintLeft={picture.faintLeft}
          />
          {(named || painting.legend || painting.dashLegend) && (
            <Legend lines={named ? lines : NO_LINES} colors={painting.legend} dashes={painting.dashLegend} />
          )}
        </>
      }
    >
      <ChartHost
        id={panel.id}
        name={place.name}
        handle={chart}
        model={model}
        theme={theme}
        counts={counts}
        onReadout={(text) => writeReadout(readout, text)}
        onFacts={(next) => setFacts((former) => (sameFacts(former, next) ? former : next))}
        onSize={setWidth}
        onRange={(changed, next, final) => {
          setMoving(final ? null : next);
          if (final) zoom.zoomTo(changed, next);
        }}
        onReset={(changed) => zoom.zoomTo(changed, null)}
        onBack={zoom.back}
        onOpen={place.onOpen}
      />
      <Trouble picture={picture} pattern={asked.pattern} />
    </PanelFrame>
  );
}

/** Whether the lines are named under the chart. */
function isNamed({ settings, painting, lines }: LinePicture, worth: boolean, fullScreen: boolean): boolean {
  if (!worth || settings.legend === "hide" || (painting.legend && !fullScreen)) return false;
  return settings.legend === "show" || fullScreen || lines.length <= LEGEND_LINES;
}

function sameFacts(a: ChartFacts, b: ChartFacts): boolean {
  return a.offScale === b.offScale && a.notPositive === b.notPositive && a.density === b.density;
}

/** Says why there is no picture, or not the whole one. */
function Trouble({ picture, pattern }: { picture: LinePicture; pattern: string }) {
  const { status, shown, lines, infos, trouble } = picture;
  if (status instanceof ApiError) {
    return (
      <p className="panel-error">
        {status.message}
        {status.hint && <small>{status.hint}</small>}
      </p>
    );
  }
  if (trouble) return <p className="panel-error">Colours: {trouble.message}</p>;
  if (shown.keys.length === 0) {
    const found = pattern
      ? `No metric matches “${pattern}”.`
      : "Choose a metric in the settings of this panel.";
    return (
      <p className="panel-empty">{shown.broken ? `“${pattern}” is not a regular expression yet.` : found}</p>
    );
  }
  if (status !== "ready" || lines.length > 0) return null;
  return <p className="panel-empty">{emptyText(shown.keys, infos)}</p>;
}

function emptyText(keys: readonly string[], infos: readonly (object | null)[]): string {
  const gone = keys.filter((key, place) => infos[place] === null && !key.startsWith("="));
  if (gone.length === keys.length) {
    return `No run of this project has ${gone.map((key) => `“${key}”`).join(", ")}.`;
  }
  return keys.length === 1 ? "No shown run has this metric." : "No shown run has any of these metrics.";
}
