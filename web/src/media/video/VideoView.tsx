import { ChevronLeft, ChevronRight, Pause, Play } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { HeldBlob } from "@/api/blobCache";
import type { VideoValue } from "@/api/mediaValue";
import { IconButton } from "@/ui/IconButton";
import { Slider } from "@/ui/Slider";
import { BlobGate } from "../BlobGate";
import { Unplayable } from "../Unplayable";

interface VideoViewProps {
  runKey: string;
  value: VideoValue;
  wanted: boolean;
  label: string;
}

const DEFAULT_FPS = 25;

/** A film that can be walked frame by frame. */
export function VideoView({ runKey, value, wanted, label }: VideoViewProps) {
  return (
    <BlobGate runKey={runKey} blob={value} wanted={wanted}>
      {(held) =>
        value.format === "gif" ? (
          "ImageDecoder" in window ? (
            <GifPlayer held={held} value={value} label={label} />
          ) : (
            <img className="image-plain" src={held.url} alt={value.caption || label} />
          )
        ) : (
          <FilmPlayer url={held.url} value={value} label={label} />
        )
      }
    </BlobGate>
  );
}

interface FrameBarProps {
  playing: boolean;
  at: number;
  last: number;
  /** Frames a second where nobody knows them: the place is told as time then. */
  guessed?: number | undefined;
  onPlay(): void;
  onFrame(frame: number): void;
}

function FrameBar({ playing, at, last, guessed, onPlay, onFrame }: FrameBarProps) {
  const place = guessed
    ? `${(at / guessed).toFixed(1)} of ${((last + 1) / guessed).toFixed(1)} s`
    : `frame ${at + 1} of ${last + 1}`;
  return (
    <div className="frame-bar">
      <IconButton label={playing ? "Pause" : "Play"} onClick={onPlay}>
        {playing ? <Pause size={14} /> : <Play size={14} />}
      </IconButton>
      <IconButton label="Frame before" onClick={() => onFrame(Math.max(0, at - 1))}>
        <ChevronLeft size={14} />
      </IconButton>
      <IconButton label="Next frame" onClick={() => onFrame(Math.min(last, at + 1))}>
        <ChevronRight size={14} />
      </IconButton>
      <Slider label="Frame" value={at} max={Math.max(1, last)} step={1} onChange={onFrame} />
      <output>{place}</output>
    </div>
  );
}

function FilmPlayer({ url, value, label }: { url: string; value: VideoValue; label: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const fps = value.fps && value.fps > 0 ? value.fps : DEFAULT_FPS;
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [last, setLast] = useState(Math.max(0, (value.frames ?? 1) - 1));
  const [failed, setFailed] = useState(false);
  const show = (frame: number) => {
    if (!video.current) return;
    video.current.pause();
    // The middle of a frame: its exact start may round to the one before.
    video.current.currentTime = (frame + 0.5) / fps;
    setAt(frame);
  };
  if (failed) return <Unplayable url={url} format={value.format} label={label} />;
  return (
    <div className="film">
      {/* biome-ignore lint/a11y/useMediaCaption: what was logged has no captions */}
      <video
        ref={video}
        src={url}
        aria-label={value.caption || label}
        loop
        playsInline
        preload="metadata"
        onClick={() => (playing ? video.current?.pause() : void video.current?.play().catch(() => {}))}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onError={() => setFailed(true)}
        onLoadedMetadata={(event) => {
          const { duration } = event.currentTarget;
          if (!value.frames && Number.isFinite(duration))
            setLast(Math.max(0, Math.round(duration * fps) - 1));
        }}
        onTimeUpdate={(event) => setAt(Math.min(last, Math.floor(event.currentTarget.currentTime * fps)))}
      />
      <FrameBar
        playing={playing}
        at={at}
        last={last}
        guessed={value.fps ? undefined : fps}
        onPlay={() => (playing ? video.current?.pause() : void video.current?.play().catch(() => {}))}
        onFrame={show}
      />
    </div>
  );
}

const GIF_FRAME_MS = 100;

function GifPlayer({ held, value, label }: { held: HeldBlob; value: VideoValue; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [decoder, setDecoder] = useState<ImageDecoder | null>(null);
  const [playing, setPlaying] = useState(true);
  const [at, setAt] = useState(0);
  const [last, setLast] = useState(Math.max(0, (value.frames ?? 1) - 1));
  const [wait, setWait] = useState(GIF_FRAME_MS);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let current = true;
    let made: ImageDecoder | null = null;
    const open = async () => {
      made = new ImageDecoder({ data: await held.blob.arrayBuffer(), type: "image/gif" });
      await made.tracks.ready;
      await made.completed;
      if (!current) return;
      // Browsers differ in when they have counted the frames; the run has said how many there are.
      const counted = made.tracks.selectedTrack?.frameCount ?? 1;
      setLast(Math.max(value.frames ?? 1, counted) - 1);
      setDecoder(made);
    };
    open().catch(() => current && setFailed(true));
    return () => {
      current = false;
      made?.close();
      setDecoder(null);
    };
  }, [held, value.frames]);
  useEffect(() => {
    if (!decoder) return;
    let current = true;
    decoder
      .decode({ frameIndex: at })
      .then(({ image }) => {
        const node = canvas.current;
        if (node && current) {
          node.width = image.displayWidth;
          node.height = image.displayHeight;
          node.getContext("2d")?.drawImage(image, 0, 0);
          setWait(image.duration ? image.duration / 1000 : GIF_FRAME_MS);
        }
        image.close();
      })
      .catch(() => current && setLast((former) => Math.min(former, Math.max(0, at - 1))));
    return () => {
      current = false;
    };
  }, [decoder, at]);
  useEffect(() => {
    if (!playing || !decoder || last === 0) return;
    const timer = setTimeout(() => setAt(at >= last ? 0 : at + 1), wait);
    return () => clearTimeout(timer);
  }, [playing, decoder, at, last, wait]);
  if (failed) return <img className="image-plain" src={held.url} alt={value.caption || label} />;
  return (
    <div className="film">
      <canvas
        ref={canvas}
        className="film-canvas"
        role="img"
        aria-label={value.caption || label}
        data-frame={at}
      />
      <FrameBar
        playing={playing}
        at={at}
        last={last}
        onPlay={() => setPlaying(!playing)}
        onFrame={(frame) => {
          setPlaying(false);
          setAt(frame);
        }}
      />
    </div>
  );
}
