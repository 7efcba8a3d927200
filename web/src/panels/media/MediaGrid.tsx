import { useState } from "react";
import { valuesOf } from "@/api/mediaValue";
import type { KeyInfo } from "@/api/types";
import { slotColor, slotDash } from "@/charts/core/palette";
import type { OverlayView } from "@/media/image/overlays";
import { MediaView } from "@/media/MediaView";
import { TextView } from "@/media/text/TextView";
import { useTheme } from "@/state/theme";
import { Choice } from "@/ui/Choice";
import { formatCount } from "@/ui/humanize";
import { Picker } from "@/ui/Picker";
import { Swatch } from "@/ui/Swatch";
import { useInView } from "@/ui/useInView";
import { type CastRun, useCast } from "../cast";
import { useMediaKeys } from "./mediaKeys";
import { spread } from "./steps";
import { useMediaCells } from "./useMedia";

interface MediaGridProps {
  info: KeyInfo;
  runs: readonly CastRun[];
  steps: readonly number[];
  overlay: OverlayView;
}

const COLUMNS = ["3", "6", "10", "16"].map((count) => [count, `${count} steps`] as const);

/** Runs down, steps across, and in each cell one value per key. */
export function MediaGrid({ info, runs, steps, overlay }: MediaGridProps) {
  const theme = useTheme((store) => store.name);
  const { named } = useCast();
  const others = useMediaKeys();
  const [columns, setColumns] = useState("6");
  const [keys, setKeys] = useState<readonly string[]>([info.key]);
  const shown = spread(steps, Number(columns));
  const cell = useMediaCells(
    runs.map((run) => run.key),
    keys,
    shown,
  );
  return (
    <div className="media-matrix-host">
      <div className="media-bar">
        <Choice label="Columns" value={columns} options={COLUMNS} onChange={setColumns} />
        {others.length > 1 && (
          <Picker
            label="Keys"
            options={others.map((key) => ({ value: key, label: key, note: "" }))}
            selected={keys}
            keepOpen
            onPick={(key) => {
              const next = keys.includes(key) ? keys.filter((other) => other !== key) : [...keys, key];
              if (next.length > 0) setKeys(next);
            }}
            trigger={
              <button type="button" className="button">
                {keys.length === 1 ? keys[0] : `${keys.length} keys`}
              </button>
            }
          />
        )}
        <span className="muted">
          {formatCount(shown.length)} of {formatCount(steps.length)} steps; each cell holds what the run had
          there
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="media-matrix" tabIndex={0} aria-label={`${info.key} of runs and steps`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Run</th>
              {shown.map((step) => (
                <th scope="col" key={step}>
                  step {formatCount(step)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {runs.flatMap((run) =>
              keys.map((key, i) => (
                <tr key={`${run.key}:${key}`}>
                  <th scope="row">
                    {i === 0 && named && (
                      <span className="matrix-run">
                        <Swatch color={slotColor(run.slot, theme)} dash={slotDash(run.slot)} />
                        {run.label}
                      </span>
                    )}
                    {keys.length > 1 && <small>{key}</small>}
                  </th>
                  {shown.map((step) => {
                    const item = cell(run.key, key, step);
                    return (
                      <td key={step} data-step={item?.step}>
                        {item && (
                          <Cell
                            runKey={run.key}
                            value={item.value}
                            overlay={overlay}
                            label={`${key} of ${run.label} at step ${item.step}`}
                            note={item.step === step ? null : `step ${formatCount(item.step)}`}
                          />
                        )}
                      </td>
                    );
                  })}
                </tr>
              )),
            )}
          </tbody>
        </table>
      </section>
    </div>
  );
}

interface CellProps {
  runKey: string;
  value: Parameters<typeof valuesOf>[0];
  overlay: OverlayView;
  label: string;
  note: string | null;
}

function Cell({ runKey, value, overlay, label, note }: CellProps) {
  const [frame, near] = useInView<HTMLDivElement>();
  const [first, ...rest] = valuesOf(value);
  return (
    <div ref={frame} className="matrix-cell">
      {typeof value === "string" ? (
        <TextView text={value} />
      ) : (
        first && <MediaView runKey={runKey} value={first} wanted={near} label={label} overlay={overlay} />
      )}
      {(note || rest.length > 0) && (
        <small>
          {note}
          {rest.length > 0 && ` +${rest.length}`}
        </small>
      )}
    </div>
  );
}
