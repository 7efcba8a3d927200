import { useEffect, useMemo, useRef, useState } from "react";
import type { ImageValue } from "@/api/mediaValue";
import { Choice } from "@/ui/Choice";
import { formatCount } from "@/ui/humanize";
import { Segmented } from "@/ui/Segmented";
import { Slider } from "@/ui/Slider";
import { useSize } from "@/ui/useSize";
import { BlobNote } from "../BlobGate";
import { difference } from "./difference";
import { type OverlayView, SHOW_ALL } from "./overlays";
import { useMaskLayers, usePicture } from "./picture";
import { drawSurface, type Layer, layersOf } from "./surface";
import { useZoomGestures } from "./useZoomGestures";
import { fitted, type Zoom } from "./zoom";

export interface CompareSide {
  runKey: string;
  value: ImageValue;
  /** Who and when: "amber-heron-1, step 300". */
  label: string;
}

const MODES = [
  ["side", "Side by side"],
  ["wipe", "Wipe"],
  ["flicker", "Flicker"],
  ["difference", "Difference"],
] as const;

export type CompareMode = (typeof MODES)[number][0];

const GAINS = [1, 2, 5, 10, 20].map((gain) => [String(gain), `× ${gain}`] as const);

interface ImageCompareProps {
  a: CompareSide;
  b: CompareSide;
  mode: CompareMode;
  onMode(mode: CompareMode): void;
  overlay?: OverlayView;
}

/** Two images, or two layers of one, laid on each other in four ways. */
export function ImageCompare({ a, b, mode, onMode, overlay = SHOW_ALL }: ImageCompareProps) {
  const left = usePicture(a.runKey, a.value);
  const right = usePicture(b.runKey, b.value);
  const [pickedA, setLayerA] = useState<Layer | null>(null);
  const [pickedB, setLayerB] = useState<Layer | null>(null);
  // One image has nothing to be compared with but its own masks: a prediction with the truth.
  const [maskA, maskB] = a.value.sha256 === b.value.sha256 ? Object.keys(a.value.masks ?? {}) : [];
  const layerA: Layer = pickedA ?? (maskA && maskB ? `mask:${maskA}` : "image");
  const layerB: Layer = pickedB ?? (maskA && maskB ? `mask:${maskB}` : "image");
  const masksA = useMaskLayers(left.picture, overlay);
  const masksB = useMaskLayers(right.picture, overlay);
  const [zoom, setZoom] = useState<Zoom | null>(null);
  const [rate, setRate] = useState(2);
  const [gain, setGain] = useState("5");

  const surfaceA = useMemo(
    () => left.picture && drawSurface(left.picture, masksA, overlay, valid(layerA, layersOf(left.picture))),
    [left.picture, masksA, overlay, layerA],
  );
  const surfaceB = useMemo(
    () =>
      right.picture && drawSurface(right.picture, masksB, overlay, valid(layerB, layersOf(right.picture))),
    [right.picture, masksB, overlay, layerB],
  );
  const compared = useMemo(() => {
    if (mode !== "difference" || !surfaceA || !surfaceB) return null;
    return compare(surfaceA, surfaceB, Number(gain));
  }, [mode, surfaceA, surfaceB, gain]);

  const sameSize =
    !surfaceA || !surfaceB || (surfaceA.width === surfaceB.width && surfaceA.height === surfaceB.height);
  return (
    <div className="compare">
      <div className="compare-bar">
        <Segmented label="How to compare" value={mode} options={MODES} onChange={onMode} />
        {mode === "flicker" && (
          <span className="overlay-slider">
            <span className="label">Rate</span>
            <Slider
              label="Changes a second"
              value={rate}
              max={10}
              step={0.5}
              onChange={(next) => setRate(Math.max(0.5, next))}
            />
            <output>{rate} Hz</output>
          </span>
        )}
        {mode === "difference" && (
          <>
            <Choice label="Amplify" value={gain} options={GAINS} onChange={setGain} />
            {compared && (
              <output className="compare-numbers">
                max {compared.max} · mean {compared.mean.toFixed(3)} of 255 ·{" "}
                {formatCount(compared.differing)} of {formatCount(compared.width * compared.height)} pixels
                differ
              </output>
            )}
          </>
        )}
        {!sameSize && surfaceA && surfaceB && (
          <span className="badge warn">
            sizes differ: {surfaceA.width} × {surfaceA.height} and {surfaceB.width} × {surfaceB.height}
          </span>
        )}
      </div>
      <div className="compare-sides">
        <SideLabel name="A" side={a} layer={layerA} layers={layersOf(left.picture)} onLayer={setLayerA} />
        <SideLabel name="B" side={b} layer={layerB} layers={layersOf(right.picture)} onLayer={setLayerB} />
      </div>
      {surfaceA && surfaceB ? (
        <div className="compare-stages">
          {mode === "side" ? (
            <>
              <Stage label={`A: ${a.label}`} surfaces={[surfaceA]} zoom={zoom} onZoom={setZoom} />
              <Stage label={`B: ${b.label}`} surfaces={[surfaceB]} zoom={zoom} onZoom={setZoom} />
            </>
          ) : mode === "wipe" ? (
            <Stage
              label="A left of the divider, B right of it"
              surfaces={[surfaceA, surfaceB]}
              zoom={zoom}
              onZoom={setZoom}
              wipe
            />
          ) : mode === "flicker" ? (
            <Flicker surfaces={[surfaceA, surfaceB]} rate={rate} zoom={zoom} onZoom={setZoom} />
          ) : (
            compared && (
              <Stage
                label="Difference of A and B"
                surfaces={[compared.canvas]}
                zoom={zoom}
                onZoom={setZoom}
              />
            )
          )}
        </div>
      ) : (
        <div className="compare-stages">
          <BlobNote state={left.picture ? right.state : left.state} bytes={a.value.size} />
        </div>
      )}
    </div>
  );
}

function valid(layer: Layer, layers: readonly { value: Layer }[]): Layer {
  return layers.some(({ value }) => value === layer) ? layer : "image";
}

function compare(a: HTMLCanvasElement, b: HTMLCanvasElement, gain: number) {
  const pixels = (canvas: HTMLCanvasElement) =>
    canvas.getContext("2d", { willReadFrequently: true })?.getImageData(0, 0, canvas.width, canvas.height);
  const [left, right] = [pixels(a), pixels(b)];
  if (!left || !right) return null;
  const found = difference(left, right, gain);
  const canvas = document.createElement("canvas");
  canvas.width = found.width;
  canvas.height = found.height;
  canvas
    .getContext("2d")
    ?.putImageData(new ImageData(new Uint8ClampedArray(found.rgba), found.width, found.height), 0, 0);
  return { ...found, canvas };
}

interface SideLabelProps {
  name: string;
  side: CompareSide;
  layer: Layer;
  layers: readonly { value: Layer; label: string }[];
  onLayer(layer: Layer): void;
}

function SideLabel({ name, side, layer, layers, onLayer }: SideLabelProps) {
  return (
    <div className="compare-label">
      <b>{name}</b>
      <span>{side.label}</span>
      {layers.length > 1 && (
        <Choice
          label={`Layer of ${name}`}
          value={layer}
          options={layers.map(({ value, label }) => [value, label] as const)}
          onChange={onLayer}
        />
      )}
    </div>
  );
}

interface StageProps {
  label: string;
  /** One, or two of which the second is shown right of the divider. */
  surfaces: readonly HTMLCanvasElement[];
  zoom: Zoom | null;
  onZoom(zoom: Zoom | null): void;
  wipe?: boolean;
}

const DIVIDER_STEP = 0.02;

function Stage({ label, surfaces, zoom, onZoom, wipe = false }: StageProps) {
  const [host, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [divider, setDivider] = useState(0.5);
  const [first, second] = surfaces;
  const shown = zoom ?? (first ? fitted(first, size) : { scale: 1, x: 0, y: 0 });
  useEffect(() => {
    const node = canvas.current;
    const g = node?.getContext("2d");
    if (!node || !g || !first || size.width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    node.width = Math.round(size.width * ratio);
    node.height = Math.round(size.height * ratio);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const at = zoom ?? fitted(first, size);
    g.imageSmoothingEnabled = at.scale < 1;
    const draw = (surface: HTMLCanvasElement) =>
      g.drawImage(surface, at.x, at.y, surface.width * at.scale, surface.height * at.scale);
    draw(first);
    if (!second || !wipe) return;
    g.beginPath();
    g.rect(divider * size.width, 0, size.width, size.height);
    g.clip();
    g.clearRect(0, 0, size.width, size.height);
    draw(second);
  }, [first, second, wipe, divider, zoom, size]);
  useZoomGestures(host, { zoom: shown, onZoom, onFit: () => onZoom(null) });
  return (
    <div
      ref={host}
      className="picture-stage"
      role="application"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it has keys
      tabIndex={0}
    >
      <canvas ref={canvas} />
      {wipe && (
        <div
          className="wipe-divider"
          data-divider
          role="slider"
          tabIndex={0}
          aria-label="Divider between A and B"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(divider * 100)}
          style={{ left: `${divider * 100}%` }}
          onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
          onPointerMove={(event) => {
            if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
            const box = event.currentTarget.parentElement?.getBoundingClientRect();
            if (box) setDivider(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
          }}
          onKeyDown={(event) => {
            const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
            if (by === 0) return;
            event.preventDefault();
            event.stopPropagation();
            setDivider(Math.max(0, Math.min(1, divider + by * DIVIDER_STEP)));
          }}
        >
          <i />
        </div>
      )}
    </div>
  );
}

interface FlickerProps {
  surfaces: readonly [HTMLCanvasElement, HTMLCanvasElement];
  rate: number;
  zoom: Zoom | null;
  onZoom(zoom: Zoom | null): void;
}

function Flicker({ surfaces, rate, zoom, onZoom }: FlickerProps) {
  const [second, setSecond] = useState(false);
  useEffect(() => {
    const timer = setInterval(() => setSecond((former) => !former), 1000 / rate);
    return () => clearInterval(timer);
  }, [rate]);
  return (
    <>
      <Stage label="A and B in turn" surfaces={[surfaces[second ? 1 : 0]]} zoom={zoom} onZoom={onZoom} />
      <span className="flicker-mark" aria-hidden="true">
        {second ? "B" : "A"}
      </span>
    </>
  );
}
