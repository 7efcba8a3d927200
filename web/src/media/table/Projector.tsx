import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";
import type { TableValue } from "@/api/mediaValue";
import { fetchTable, fetchVectors, type TableColumn } from "@/api/tables";
import { CHART_THEMES, slotColor } from "@/charts/core/palette";
import { rampColor } from "@/charts/core/ramp";
import { useTheme } from "@/state/theme";
import { Canvas } from "@/ui/Canvas";
import { Choice } from "@/ui/Choice";
import { formatCount, formatNumber } from "@/ui/humanize";
import { Segmented } from "@/ui/Segmented";
import { useProjection } from "../projection/useProjection";
import { cellText, isMedia, isNumeric, mediaOf, vectorSize } from "./cells";
import { cellValue } from "./rows";
import { TableCell } from "./TableCell";

/** Rows that the server gives vectors of. */
const ROWS = 5_000;
const PAGE = 1_000;

const METHODS = [
  ["pca", "PCA"],
  ["tsne", "t-SNE"],
  ["umap", "UMAP"],
] as const;

type Method = (typeof METHODS)[number][0];

interface ProjectorProps {
  runKey: string;
  value: TableValue;
  columns: readonly TableColumn[];
}

/** A column of vectors in the plane, coloured by another column. */
export default function Projector({ runKey, value, columns }: ProjectorProps) {
  const theme = useTheme((store) => store.name);
  const vectorColumns = columns.filter(({ type }) => vectorSize(type) !== null);
  const plain = columns.filter(({ type }) => vectorSize(type) === null && !isMedia(type));
  const [column, setColumn] = useState(vectorColumns[0]?.name ?? "");
  const [method, setMethod] = useState<Method>("pca");
  const [colorBy, setColorBy] = useState(
    plain.find(({ type }) => type === "text")?.name ?? plain[0]?.name ?? "",
  );
  const [hovered, setHovered] = useState<{ at: number; x: number; y: number } | null>(null);
  const vectors = useQuery({
    queryKey: ["vectors", runKey, value.sha256, column],
    queryFn: ({ signal }) => fetchVectors(runKey, value.sha256, column, ROWS, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: column !== "",
  });
  const side = useMemo(() => columns.filter(({ type }) => vectorSize(type) === null), [columns]);
  const rows = useQuery({
    queryKey: ["vector-rows", runKey, value.sha256],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const found: (readonly unknown[])[] = [];
      const names = side.map(({ name }) => name);
      for (let offset = 0; offset < Math.min(value.nrows, ROWS); offset += PAGE) {
        const page = await fetchTable(
          runKey,
          { sha256: value.sha256, offset, limit: PAGE, columns: names },
          signal,
        );
        found.push(...page.rows);
        if (page.rows.length < PAGE) break;
      }
      return found;
    },
  });
  const projection = useProjection(vectors.data ?? null, method);
  const { places } = projection;

  const paint = useMemo(() => {
    const at = side.findIndex(({ name }) => name === colorBy);
    const type = side[at]?.type ?? "text";
    const cells = projection.rows.map((row) => cellValue(rows.data?.[row]?.[at], type));
    if (isNumeric(type) && new Set(cells).size > 20) {
      const numbers = cells.map((cell) => (typeof cell === "number" ? cell : Number.NaN));
      const finite = numbers.filter(Number.isFinite);
      const [low, high] = [Math.min(...finite), Math.max(...finite)];
      const share = (number: number) => (high > low ? (number - low) / (high - low) : 0.5);
      return {
        colors: numbers.map((number) =>
          Number.isFinite(number) ? rampColor(0.15 + 0.85 * share(number), theme) : "#888",
        ),
        legend: [
          [formatNumber(low), rampColor(0.15, theme)],
          [formatNumber(high), rampColor(1, theme)],
        ] as const,
      };
    }
    const slots = new Map<string, number>();
    const colors = cells.map((cell) => {
      const name = cellText(cell) || "missing";
      const slot = slots.get(name) ?? slots.size;
      slots.set(name, slot);
      return slotColor(slot, theme);
    });
    return { colors, legend: [...slots].map(([name, slot]) => [name, slotColor(slot, theme)] as const) };
  }, [projection.rows, rows.data, colorBy, theme, side]);

  const fit = useRef({ scale: 1, x: 0, y: 0, width: 0 });
  const draw = useCallback(
    (g: CanvasRenderingContext2D, { width, height }: { width: number; height: number }) => {
      if (!places) return;
      let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
      for (let i = 0; i < places.length; i += 2) {
        left = Math.min(left, places[i] ?? 0);
        right = Math.max(right, places[i] ?? 0);
        top = Math.min(top, places[i + 1] ?? 0);
        bottom = Math.max(bottom, places[i + 1] ?? 0);
      }
      const pad = 24;
      const scale = Math.min(
        (width - 2 * pad) / (right - left || 1),
        (height - 2 * pad) / (bottom - top || 1),
      );
      fit.current = {
        scale,
        x: width / 2 - ((left + right) / 2) * scale,
        y: height / 2 - ((top + bottom) / 2) * scale,
        width,
      };
      g.globalAlpha = places.length > 4000 ? 0.65 : 0.85;
      for (let i = 0; i < places.length; i += 2) {
        g.fillStyle = paint.colors[i / 2] ?? CHART_THEMES[theme].cross;
        g.beginPath();
        g.arc(
          fit.current.x + (places[i] ?? 0) * scale,
          fit.current.y + (places[i + 1] ?? 0) * scale,
          3,
          0,
          Math.PI * 2,
        );
        g.fill();
      }
      g.globalAlpha = 1;
    },
    [places, paint, theme],
  );
  const hover = (px: number, py: number) => {
    if (!places) return;
    const { scale, x, y } = fit.current;
    let best = 14 * 14;
    let found: { at: number; x: number; y: number } | null = null;
    for (let i = 0; i < places.length; i += 2) {
      const [cx, cy] = [x + (places[i] ?? 0) * scale, y + (places[i + 1] ?? 0) * scale];
      const gap = (cx - px) ** 2 + (cy - py) ** 2;
      if (gap < best) {
        best = gap;
        found = { at: i / 2, x: cx, y: cy };
      }
    }
    setHovered(found);
  };
  const row = hovered ? projection.rows[hovered.at] : undefined;
  const cells = row === undefined ? undefined : rows.data?.[row];
  const error = vectors.error ?? rows.error;
  return (
    <div className="projector">
      <div className="table-bar">
        {vectorColumns.length > 1 && (
          <Choice
            label="Vectors"
            value={column}
            options={vectorColumns.map(({ name }) => [name, name] as const)}
            onChange={setColumn}
          />
        )}
        <Segmented label="Method" value={method} options={METHODS} onChange={setMethod} />
        <span className="label">Colour</span>
        <Choice
          label="Colour by"
          value={colorBy}
          options={plain.map(({ name }) => [name, name] as const)}
          onChange={setColorBy}
        />
        <span className="grow" />
        <output className="table-count">
          {projection.places
            ? `${formatCount(projection.rows.length)} of ${formatCount(value.nrows)} rows · ${vectors.data?.dim ?? 0} dimensions`
            : `computing ${Math.round(projection.done * 100)}%`}
        </output>
      </div>
      {(error || projection.failed) && <p className="media-trouble">{error?.message ?? projection.failed}</p>}
      <div className="projector-body">
        <Canvas
          draw={draw}
          className="projector-canvas"
          role="img"
          aria-label={`${column} in the plane by ${method}: ${projection.rows.length} rows`}
          data-places={places ? places.length / 2 : 0}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            hover(event.clientX - box.left, event.clientY - box.top);
          }}
          onPointerLeave={() => setHovered(null)}
        >
          {hovered && cells && (
            <>
              <i className="canvas-dot" style={{ left: `${hovered.x}px`, top: `${hovered.y}px` }} />
              <dl
                className="canvas-tip row-tip"
                style={{
                  left: `${Math.min(hovered.x + 14, Math.max(0, fit.current.width - 260))}px`,
                  top: `${hovered.y + 12}px`,
                }}
              >
                <div>
                  <dt>row</dt>
                  <dd>{formatCount((row ?? 0) + 1)}</dd>
                </div>
                {side.slice(0, 8).map(({ name, type }, i) => (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>
                      {mediaOf(cells[i], type) ? (
                        <TableCell runKey={runKey} cell={cells[i]} type={type} column={name} />
                      ) : (
                        cellText(cells[i]).slice(0, 120)
                      )}
                    </dd>
                  </div>
                ))}
              </dl>
            </>
          )}
        </Canvas>
        <ul className="projector-legend">
          {paint.legend.slice(0, 24).map(([name, color]) => (
            <li key={name}>
              <i style={{ background: color }} />
              <span>{name}</span>
            </li>
          ))}
          {paint.legend.length > 24 && <li>+{paint.legend.length - 24}</li>}
        </ul>
      </div>
    </div>
  );
}
