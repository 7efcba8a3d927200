import { useEffect, useMemo, useRef, useState } from "react";
import type { MediaKind } from "@/api/mediaValue";
import type { KeyInfo } from "@/api/types";
import type { HistogramLook } from "@/media/histogram/paint";
import { clearHover, getHover, setHover, subscribeHover } from "@/state/hover";
import { moveStep, stepOf, useView } from "@/state/view";
import { formatCount } from "@/ui/humanize";
import { MenuCheck } from "@/ui/Menu";
import { useDebounced } from "@/ui/useDebounced";
import { useInView } from "@/ui/useInView";
import { useCast, useKeys } from "../cast";
import { usePlace } from "../frame";
import { PanelFrame } from "../PanelFrame";
import type { PanelProps } from "../registry";
import { FullScreenMedia, type MediaMode } from "./FullScreenMedia";
import { HistogramRuns } from "./HistogramRuns";
import { PlotRuns } from "./PlotRuns";
import { StepBar } from "./StepBar";
import type { MediaSettings } from "./settings";
import { stepIndex } from "./steps";
import { Tiles } from "./Tiles";
import { useSteps } from "./useMedia";
import "@/styles/media.css";

/** The newest runs are asked whether they have the key… */
const ASKED_RUNS = 200;
/** …and of those that do, so many are shown: more make tiles that nobody can see. */
const RUNS = 24;
/** A slider is dragged over many steps; only where it rests is asked for. */
const SLIDING_MS = 90;

const KIND_NAMES: Readonly<Partial<Record<MediaKind, string>>> = {
  "image-file": "image",
  "audio-file": "audio",
  "video-file": "video",
  "html-file": "html",
  "object3D-file": "3D",
  "molecule-file": "molecule",
  "table-file": "table",
  "plotly-file": "plotly",
  "vega-file": "vega",
};

/** What shown runs logged under a key that is not a number, at a step. */
export default function MediaPanel(props: PanelProps<MediaSettings>) {
  const { info: automatic, settings } = props;
  const keys = useKeys();
  const info = automatic ?? keys.find(({ key }) => key === settings.key);
  return info ? (
    <KeyPanel {...props} info={info} />
  ) : (
    <PanelFrame>
      <p className="panel-empty">No run of this project has “{settings.key}”.</p>
    </PanelFrame>
  );
}

function KeyPanel({ info, settings, onChange, fullScreen }: PanelProps<MediaSettings> & { info: KeyInfo }) {
  const { key } = info;
  const place = usePlace();
  const cast = useCast();
  const [frame, visible] = useInView<HTMLElement>();
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (visible) setSeen(true);
  }, [visible]);
  const asked = useMemo(() => cast.runs.slice(-ASKED_RUNS), [cast.runs]);
  const { steps, series, kind, loading, error } = useSteps(
    asked.map((run) => run.key),
    key,
    visible || fullScreen,
  );
  const having = useMemo(() => {
    const present = new Set(series.map(({ run }) => run));
    return asked.filter((run) => present.has(run.key));
  }, [asked, series]);
  const runs = having.slice(-RUNS);
  const step = useView((view) => stepOf(view, key));
  const settled = useDebounced(step, SLIDING_MS);
  const [look, setLook] = useState<HistogramLook>({ mode: "heat", measure: "density", log: false });
  const [mode, setMode] = useState<MediaMode>("step");
  const body = useRef<HTMLDivElement>(null);
  const histogram = kind === "histogram";
  const overlay = kind === "plot" && runs.length > 1;
  const together = overlay && settings.together;
  const wanted = fullScreen || visible;

  // A run that is pointed at anywhere is lit here too. Not through React: a pointer moves 60 times a second.
  useEffect(() => {
    const light = ({ id }: { id: string | null }) => {
      for (const tile of body.current?.querySelectorAll<HTMLElement>(".tile[data-run]") ?? []) {
        tile.classList.toggle("hot", tile.dataset.run === id);
      }
    };
    return subscribeHover(light);
  }, []);

  const walk = (event: React.KeyboardEvent) => {
    if (event.target !== body.current) return;
    if (event.key === "Enter" && !fullScreen) place.onOpen();
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const at = stepIndex(steps, step) + (event.key === "ArrowLeft" ? -1 : 1);
      if (at < 0 || at >= steps.length) return;
      moveStep(key, at === steps.length - 1 ? null : (steps[at] ?? null));
    } else return;
    event.preventDefault();
  };

  return (
    <PanelFrame
      ref={frame}
      badges={
        kind && <span className="badge">{KIND_NAMES[kind as MediaKind] ?? kind.replaceAll("_", " ")}</span>
      }
      menu={
        overlay ? (
          <MenuCheck checked={together} onChange={(on) => onChange({ together: on })}>
            Runs in one frame
          </MenuCheck>
        ) : (
          histogram && (
            <>
              <MenuCheck
                checked={look.mode === "ridges"}
                onChange={(on) => setLook({ ...look, mode: on ? "ridges" : "heat" })}
              >
                One ridge per step
              </MenuCheck>
              <MenuCheck
                checked={look.measure === "count"}
                onChange={(on) => setLook({ ...look, measure: on ? "count" : "density" })}
              >
                Counts instead of densities
              </MenuCheck>
              <MenuCheck checked={look.log} onChange={(log) => setLook({ ...look, log })}>
                Logarithmic colours
              </MenuCheck>
            </>
          )
        )
      }
      footer={
        <>
          {mode === "step" && (!histogram || steps.length > 1) && (
            <StepBar panelKey={key} steps={steps} step={step} />
          )}
          {having.length > RUNS && (
            <span className="points-note">
              the newest {RUNS} of {formatCount(having.length)} runs
            </span>
          )}
        </>
      }
    >
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset has a look and rules of layout of its own */}
      <div
        ref={body}
        className={`media-body ${fullScreen ? "" : "scrolls"}`}
        role="group"
        aria-label={`${key}: arrows change the step`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrows change its step
        tabIndex={0}
        onKeyDown={walk}
        onPointerOver={(event) => {
          const run = (event.target as Element).closest<HTMLElement>(".tile[data-run]")?.dataset.run ?? null;
          if (cast.named && run !== getHover().id) setHover({ id: run, cursor: null });
        }}
        onPointerLeave={() => cast.named && clearHover()}
      >
        {error && <p className="media-trouble">{error.message}</p>}
        {!error && kind === null && (
          <p className="media-note">{loading || !seen ? "" : "No shown run has this."}</p>
        )}
        {kind !== null &&
          (fullScreen ? (
            <FullScreenMedia
              info={info}
              kind={kind}
              runs={runs}
              steps={steps}
              step={settled}
              look={look}
              onLook={setLook}
              mode={mode}
              onMode={setMode}
              together={overlay ? together : null}
              onTogether={(on) => onChange({ together: on })}
            />
          ) : histogram ? (
            <HistogramRuns
              panelKey={key}
              runs={runs}
              named={cast.named}
              look={look}
              step={settled}
              wanted={wanted}
            />
          ) : together ? (
            <PlotRuns panelKey={key} runs={runs} step={settled} wanted={wanted} />
          ) : (
            <Tiles panelKey={key} kind={kind} runs={runs} named={cast.named} step={settled} wanted={wanted} />
          ))}
      </div>
    </PanelFrame>
  );
}
