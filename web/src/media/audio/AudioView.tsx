import { Pause, Play } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import type { AudioValue } from "@/api/mediaValue";
import { CHART_THEMES } from "@/charts/core/palette";
import { useTheme } from "@/state/theme";
import { Canvas } from "@/ui/Canvas";
import { formatBytes } from "@/ui/humanize";
import { BlobGate } from "../BlobGate";
import { Unplayable } from "../Unplayable";
import { drawPeaks } from "./waveform";

interface AudioViewProps {
  runKey: string;
  value: AudioValue;
  wanted: boolean;
  label: string;
}

/** Only one recording plays at a time. */
let playing: HTMLAudioElement | null = null;

/** A recording as its waveform, which is also where one seeks. */
export function AudioView({ runKey, value, wanted, label }: AudioViewProps) {
  return (
    <div className="audio">
      <BlobGate runKey={runKey} blob={value} wanted={wanted}>
        {({ url }) => <Player url={url} value={value} label={label} />}
      </BlobGate>
    </div>
  );
}

function Player({ url, value, label }: { url: string; value: AudioValue; label: string }) {
  const theme = useTheme((store) => store.name);
  const audio = useRef<HTMLAudioElement>(null);
  const [on, setOn] = useState(false);
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(value.duration_s ?? 0);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (!on) return;
    let frame = requestAnimationFrame(function follow() {
      setAt(audio.current?.currentTime ?? 0);
      frame = requestAnimationFrame(follow);
    });
    return () => cancelAnimationFrame(frame);
  }, [on]);
  const draw = useCallback(
    (g: CanvasRenderingContext2D, size: { width: number; height: number }) =>
      drawPeaks(g, size, value.peaks ?? [], length > 0 ? at / length : 0, CHART_THEMES[theme]),
    [value.peaks, at, length, theme],
  );
  const seek = (to: number) => {
    if (!audio.current || length === 0) return;
    audio.current.currentTime = Math.max(0, Math.min(length, to));
    setAt(audio.current.currentTime);
  };
  const toggle = () => {
    const element = audio.current;
    if (!element) return;
    if (on) element.pause();
    else {
      if (playing !== element) playing?.pause();
      playing = element;
      void element.play().catch(() => setFailed(true));
    }
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: what was logged has no captions */}
      <audio
        ref={audio}
        src={url}
        preload="metadata"
        onLoadedMetadata={(event) =>
          Number.isFinite(event.currentTarget.duration) && setLength(event.currentTarget.duration)
        }
        onPlay={() => setOn(true)}
        onPause={() => setOn(false)}
        onEnded={() => setOn(false)}
        onError={() => setFailed(true)}
      />
      <div className="audio-row">
        <button
          type="button"
          className="icon-button play"
          aria-label={on ? `Pause ${label}` : `Play ${label}`}
          onClick={toggle}
        >
          {on ? <Pause size={15} /> : <Play size={15} />}
        </button>
        <Canvas
          draw={draw}
          className="waveform"
          role="slider"
          tabIndex={0}
          aria-label={`Position in ${label}`}
          aria-valuemin={0}
          aria-valuemax={Math.round(length)}
          aria-valuenow={Math.round(at)}
          aria-valuetext={`${clock(at)} of ${clock(length)}`}
          onPointerDown={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            seek(((event.clientX - box.left) / box.width) * length);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowLeft") seek(at - 1);
            else if (event.key === "ArrowRight") seek(at + 1);
            else if (event.key === " ") toggle();
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        />
        <output>
          {clock(at)} / {clock(length)}
        </output>
      </div>
      <p className="audio-facts">
        {[
          value.format,
          value.sample_rate && `${value.sample_rate / 1000} kHz`,
          value.channels &&
            (value.channels === 1 ? "mono" : value.channels === 2 ? "stereo" : `${value.channels} channels`),
          formatBytes(value.size),
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
      {failed && <Unplayable url={url} format={value.format} label={label} />}
    </>
  );
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const rest = seconds < 60 ? (seconds % 1).toFixed(1).slice(1) : "";
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}${rest}`;
}
