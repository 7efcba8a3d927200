import { Link2, Link2Off, Pause, Play } from "lucide-react";
import { useEffect, useState } from "react";
import { linkSteps, moveStep, useView } from "@/state/view";
import { formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { Slider } from "@/ui/Slider";
import { stepIndex } from "./steps";

interface StepBarProps {
  panelKey: string;
  steps: readonly number[];
  /** Null = the last one. */
  step: number | null;
}

const PLAY_MS = 500;

/** Which step is shown, and the ways to another one. */
export function StepBar({ panelKey, steps, step }: StepBarProps) {
  const linked = useView((view) => view.stepLinked);
  const [playing, setPlaying] = useState(false);
  const last = steps.length - 1;
  const at = stepIndex(steps, step);
  const show = (index: number) => {
    // At the end it goes on with the run: what is logged next is shown.
    moveStep(panelKey, index >= last ? null : (steps[index] ?? null));
  };
  useEffect(() => {
    if (!playing) return;
    const timer = setTimeout(() => show(at >= last ? 0 : at + 1), PLAY_MS);
    return () => clearTimeout(timer);
  });
  if (steps.length === 0) return null;
  const shown = steps[Math.max(0, at)] ?? 0;
  return (
    <div className="step-bar">
      {steps.length > 1 && (
        <>
          <IconButton label={playing ? "Pause" : "Play the steps"} onClick={() => setPlaying(!playing)}>
            {playing ? <Pause size={13} /> : <Play size={13} />}
          </IconButton>
          <Slider
            label={`Step of ${panelKey}`}
            value={Math.max(0, at)}
            max={last}
            step={1}
            onChange={(index) => {
              setPlaying(false);
              show(index);
            }}
          />
        </>
      )}
      <output className="step-now" data-step={shown}>
        {at < 0 ? `nothing before step ${formatCount(step ?? 0)}` : `step ${formatCount(shown)}`}
        {steps.length > 1 && at >= 0 && (
          <small>
            {" "}
            {formatCount(at + 1)} of {formatCount(steps.length)}
          </small>
        )}
      </output>
      {steps.length > 1 && (
        <IconButton
          label={linked ? "Steps of all panels are linked" : "This panel has its own step"}
          pressed={linked}
          className="step-link"
          onClick={() => linkSteps(panelKey, !linked)}
        >
          {linked ? <Link2 size={13} /> : <Link2Off size={13} />}
        </IconButton>
      )}
    </div>
  );
}
