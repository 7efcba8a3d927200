import { useState } from "react";
import type { MediaItem } from "@/api/media";
import { type ImageValue, valuesOf } from "@/api/mediaValue";
import { type CompareMode, type CompareSide, ImageCompare } from "@/media/image/ImageCompare";
import type { OverlayView } from "@/media/image/overlays";
import { Choice } from "@/ui/Choice";
import type { CastRun } from "../cast";
import { stepIndex } from "./steps";
import { useMediaAt } from "./useMedia";

interface ImageComparisonProps {
  panelKey: string;
  runs: readonly CastRun[];
  steps: readonly number[];
  step: number | null;
  overlay: OverlayView;
}

interface Pick {
  run: string;
  step: number;
  index: number;
}

/** Chooses two images of the key and compares them. */
export function ImageComparison({ panelKey, runs, steps, step, overlay }: ImageComparisonProps) {
  const at = Math.max(0, stepIndex(steps, step));
  const now = steps[at] ?? 0;
  const [first, second] = runs;
  const [a, setA] = useState<Pick>({ run: first?.key ?? "", step: now, index: 0 });
  // Two runs at one step if there are two, else one run before and now.
  const [b, setB] = useState<Pick>(
    second
      ? { run: second.key, step: now, index: 0 }
      : {
          run: first?.key ?? "",
          step: steps[at > 0 ? at - 1 : Math.min(1, steps.length - 1)] ?? now,
          index: 0,
        },
  );
  const [mode, setMode] = useState<CompareMode>("wipe");
  const sideA = useSide(panelKey, runs, a);
  const sideB = useSide(panelKey, runs, b);
  return (
    <div className="comparison">
      <div className="media-bar">
        <PickSide name="A" pick={a} runs={runs} steps={steps} count={sideA.count} onPick={setA} />
        <PickSide name="B" pick={b} runs={runs} steps={steps} count={sideB.count} onPick={setB} />
      </div>
      {sideA.side && sideB.side ? (
        <ImageCompare a={sideA.side} b={sideB.side} mode={mode} onMode={setMode} overlay={overlay} />
      ) : (
        <p className="media-note">
          {sideA.loading || sideB.loading ? "" : "One of the two has no image there."}
        </p>
      )}
    </div>
  );
}

function useSide(panelKey: string, runs: readonly CastRun[], pick: Pick) {
  const { items, loading } = useMediaAt([pick.run], panelKey, pick.step, pick.run !== "");
  const item: MediaItem | undefined = items.find(({ run }) => run === pick.run);
  const images = item
    ? valuesOf(item.value).filter((value): value is ImageValue => value._type === "image-file")
    : [];
  const value = images[Math.min(pick.index, images.length - 1)];
  const label = runs.find(({ key }) => key === pick.run)?.label ?? pick.run;
  const side: CompareSide | null =
    item && value ? { runKey: pick.run, value, label: `${label}, step ${item.step}` } : null;
  return { side, count: images.length, loading };
}

interface PickSideProps {
  name: string;
  pick: Pick;
  runs: readonly CastRun[];
  steps: readonly number[];
  /** Images at the step. */
  count: number;
  onPick(pick: Pick): void;
}

function PickSide({ name, pick, runs, steps, count, onPick }: PickSideProps) {
  return (
    <span className="pick-side">
      <b>{name}</b>
      {runs.length > 1 && (
        <Choice
          label={`Run of ${name}`}
          value={pick.run}
          options={runs.map(({ key, label }) => [key, label] as const)}
          onChange={(run) => onPick({ ...pick, run })}
        />
      )}
      <Choice
        label={`Step of ${name}`}
        value={String(pick.step)}
        options={steps.map((step) => [String(step), `step ${step}`] as const)}
        onChange={(step) => onPick({ ...pick, step: Number(step) })}
      />
      {count > 1 && (
        <Choice
          label={`Image of ${name}`}
          value={String(pick.index)}
          options={Array.from({ length: count }, (_, i) => [String(i), `image ${i + 1}`] as const)}
          onChange={(index) => onPick({ ...pick, index: Number(index) })}
        />
      )}
    </span>
  );
}
