import { useCallback, useMemo, useRef, useState } from "react";
import { CHART_THEMES } from "@/charts/core/palette";
import { inkOn, rampColor } from "@/charts/core/ramp";
import { useTheme } from "@/state/theme";
import { Canvas } from "@/ui/Canvas";
import { formatCount, formatNumber } from "@/ui/humanize";
import { Segmented } from "@/ui/Segmented";
import { type MatrixModel, normalised } from "./model";

const VALUES = [
  ["counts", "Counts"],
  ["shares", "Normalised"],
] as const;

const TEXT_PX = 11;
/** Cells smaller than this hold no number. */
const CELL_TEXT_PX = 22;
const LABEL_MAX_PX = 90;

/** How often each class was taken for which. */
export function MatrixPlot({ model, label }: { model: MatrixModel; label: string }) {
  const theme = useTheme((store) => store.name);
  const [shown, setShown] = useState<"counts" | "shares">("counts");
  const [hovered, setHovered] = useState<{ x: number; y: number; text: string } | null>(null);
  const place = useRef({ left: 0, top: 0, cell: 1, width: 0 });
  const { classes, counts } = model;
  const shares = useMemo(() => normalised(counts), [counts]);
  const draw = useCallback(
    (g: CanvasRenderingContext2D, { width, height }: { width: number; height: number }) => {
      const chart = CHART_THEMES[theme];
      g.font = chart.font;
      const widest = Math.min(
        LABEL_MAX_PX,
        Math.max(...classes.map((name) => g.measureText(name).width)) + 8,
      );
      const left = widest + 16;
      const bottom = 18 + 16;
      const cell = Math.max(
        1,
        Math.min((width - left - 8) / classes.length, (height - bottom - 4) / classes.length),
      );
      const top = 2;
      place.current = { left, top, cell, width };
      const table = shown === "counts" ? counts : shares;
      const high = shown === "shares" ? 1 : Math.max(1, ...counts.flat());
      g.textAlign = "center";
      g.textBaseline = "middle";
      for (const [a, row] of table.entries()) {
        for (const [p, value] of row.entries()) {
          const tone = value === 0 ? 0 : 0.06 + 0.94 * (value / high);
          const [x, y] = [left + p * cell, top + a * cell];
          g.fillStyle = rampColor(tone, theme);
          g.fillRect(x, y, cell - 1, cell - 1);
          if (cell < CELL_TEXT_PX) continue;
          const text = shown === "counts" ? formatCount(value) : value.toFixed(2);
          if (g.measureText(text).width > cell - 4) continue;
          g.fillStyle = inkOn(tone, theme);
          g.fillText(text, x + cell / 2, y + cell / 2);
        }
      }
      g.fillStyle = chart.label;
      // Where cells are narrow, only every n-th class is named.
      const every = Math.ceil((TEXT_PX + 3) / cell);
      g.textAlign = "right";
      classes.forEach((name, i) => {
        if (i % every === 0) g.fillText(cut(g, name, widest - 6), left - 6, top + (i + 0.5) * cell);
      });
      g.textAlign = "center";
      const across = Math.ceil(
        Math.min(LABEL_MAX_PX, Math.max(...classes.map((n) => g.measureText(n).width))) / cell,
      );
      const floor = top + classes.length * cell;
      classes.forEach((name, i) => {
        if (i % Math.max(1, across) === 0)
          g.fillText(cut(g, name, Math.max(cell, 24)), left + (i + 0.5) * cell, floor + 8);
      });
      g.fillText("predicted", left + (classes.length * cell) / 2, floor + 24);
      g.save();
      g.translate(8, top + (classes.length * cell) / 2);
      g.rotate(-Math.PI / 2);
      g.fillText("actual", 0, 0);
      g.restore();
    },
    [classes, counts, shares, shown, theme],
  );
  const hover = (px: number, py: number) => {
    const { left, top, cell } = place.current;
    const [p, a] = [Math.floor((px - left) / cell), Math.floor((py - top) / cell)];
    const count = counts[a]?.[p];
    if (count === undefined) return setHovered(null);
    setHovered({
      x: px,
      y: py,
      text: `actual ${classes[a]}\npredicted ${classes[p]}\n${formatCount(count)} · ${formatNumber((shares[a]?.[p] ?? 0) * 100)}% of actual`,
    });
  };
  const right = counts.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  const all = counts.flat().reduce((sum, count) => sum + count, 0);
  return (
    <>
      <div className="plot-bar">
        <Segmented label="What cells hold" value={shown} options={VALUES} onChange={setShown} />
        <small>
          {formatCount(right)} of {formatCount(all)} on the diagonal
        </small>
      </div>
      <Canvas
        draw={draw}
        className="plot-canvas"
        role="img"
        aria-label={`${label}: confusion matrix of ${classes.length} classes, ${right} of ${all} on the diagonal`}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          hover(event.clientX - box.left, event.clientY - box.top);
        }}
        onPointerLeave={() => setHovered(null)}
      >
        {hovered && (
          <span
            className="canvas-tip"
            style={{
              left: `${Math.min(hovered.x + 12, Math.max(0, place.current.width - 180))}px`,
              top: `${hovered.y + 14}px`,
            }}
          >
            {hovered.text}
          </span>
        )}
      </Canvas>
    </>
  );
}

function cut(g: CanvasRenderingContext2D, text: string, width: number): string {
  if (g.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && g.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}
