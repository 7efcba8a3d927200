import type { ImageValue } from "@/api/mediaValue";
import { Slider } from "@/ui/Slider";
import { hasScores, type OverlayView, overlayGroups, toggled } from "./overlays";

interface OverlayControlsProps {
  images: readonly ImageValue[];
  view: OverlayView;
  onChange(view: OverlayView): void;
}

/** Which classes of which boxes and masks are shown, how strongly, from which score on. */
export function OverlayControls({ images, view, onChange }: OverlayControlsProps) {
  const groups = overlayGroups(images);
  if (groups.length === 0) return null;
  return (
    <div className="overlay-controls">
      {groups.map((group) => (
        <fieldset key={group.name}>
          <legend>
            <label className="check">
              <input
                type="checkbox"
                checked={!view.hidden.has(group.name)}
                onChange={() => onChange(toggled(view, group.name))}
              />
              {group.title}
              <small>{group.kind === "mask" ? "mask" : "boxes"}</small>
            </label>
          </legend>
          <div className="chips">
            {group.classes.map(({ id, label, color }) => (
              <button
                key={id}
                type="button"
                className="chip class-chip"
                aria-pressed={!view.hidden.has(`${group.name}:${id}`)}
                disabled={view.hidden.has(group.name)}
                onClick={() => onChange(toggled(view, `${group.name}:${id}`))}
              >
                <i style={{ background: color }} />
                <span className="chip-text">{label}</span>
              </button>
            ))}
          </div>
        </fieldset>
      ))}
      {groups.some(({ kind }) => kind === "mask") && (
        <div className="overlay-slider">
          <span className="label">Mask opacity</span>
          <Slider
            label="Mask opacity"
            value={view.opacity}
            max={1}
            step={0.05}
            onChange={(opacity) => onChange({ ...view, opacity })}
          />
          <output>{Math.round(view.opacity * 100)}%</output>
        </div>
      )}
      {hasScores(images) && (
        <div className="overlay-slider">
          <span className="label">Score from</span>
          <Slider
            label="Least score"
            value={view.leastScore ?? 0}
            max={1}
            step={0.01}
            onChange={(score) => onChange({ ...view, leastScore: score > 0 ? score : null })}
          />
          <output>{(view.leastScore ?? 0).toFixed(2)}</output>
        </div>
      )}
    </div>
  );
}
