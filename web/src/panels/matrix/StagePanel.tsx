import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import type { Column } from "@/api/columns";
import type { Card } from "@/charts/card";
import { CHART_THEMES, type ThemeName } from "@/charts/core/palette";
import { SvgContext } from "@/charts/core/svg";
import { PlotHost } from "@/charts/PlotHost";
import type { Painter, PlotModel } from "@/charts/plot";
import { Drawing } from "@/figures/drawing";
import { type Paper, POINTS_PER_MM } from "@/figures/figure";
import { useTheme } from "@/state/theme";
import { formatCount } from "@/ui/humanize";
import { useInView } from "@/ui/useInView";
import { type PanelTable, usePlace } from "../frame";
import { PanelFrame } from "../PanelFrame";
import { type Stage, useStage } from "./stage";
import "@/styles/plots.css";

/** What a panel makes of the runs. */
export interface Picture<Model extends PlotModel, Layout> {
  painter: Painter<Model, Layout>;
  model: Model;
  /** What a person who does not see the picture is told. */
  label: string;
  describe(index: number): Card;
  /** The run that a mark stands for; null = none that could be opened. */
  runOf(index: number): string | null;
  /** What is left out, and why; "" = nothing. */
  note: string;
  /** What the colours mean. */
  legend?: ReactNode;
  table(): PanelTable;
  /** What stands in the place of the picture; absent = the picture. */
  empty?: string;
}

interface StagePanelProps<Model extends PlotModel, Layout> {
  columns: readonly Column[];
  /** Why there is nothing to ask for yet; null = there is. */
  missing: string | null;
  picture(stage: Stage, theme: ThemeName): Picture<Model, Layout>;
  badges?: ReactNode;
  menu?: ReactNode;
  /** What lies over the picture. */
  children?(picture: Picture<Model, Layout>): ReactNode;
  /** Stands below the picture, above the note. */
  below?: ReactNode;
  onLayout?(layout: Layout): void;
  className?: string;
}

const SVG_WIDTH = 720;
const SVG_HEIGHT = 440;

/**
 * A panel whose marks are runs: it asks for columns while in view, and draws what *picture* makes of them.
 * *picture* must be memoised; it is called again when it changes, the runs do, or the theme.
 */
export function StagePanel<Model extends PlotModel, Layout>({
  columns,
  missing,
  picture: draw,
  badges,
  menu,
  children,
  below,
  onLayout,
  className,
}: StagePanelProps<Model, Layout>) {
  const [frame, visible] = useInView<HTMLElement>();
  const theme = useTheme((store) => store.name);
  const { name } = usePlace();
  const navigate = useNavigate();
  const { stage, error } = useStage(missing === null ? columns : NO_COLUMNS, visible);
  const picture = useMemo(
    () => (stage && missing === null ? draw(stage, theme) : null),
    [stage, draw, theme, missing],
  );
  const says = missing ?? picture?.empty ?? (stage && stage.runs.length === 0 ? "No run is shown." : null);
  return (
    <PanelFrame
      ref={frame}
      badges={badges}
      menu={menu}
      {...(stage && missing === null
        ? {
            exports: {
              table: () => draw(stage, theme).table(),
              svg: () => svgOf(draw(stage, "light")),
              drawing: (paper) => drawingOf(draw(stage, "light"), paper),
            },
          }
        : {})}
      footer={
        <>
          {below}
          {picture && !says && <span className="points-note">{noteOf(stage, picture.note)}</span>}
          {!says && picture?.legend}
        </>
      }
    >
      {picture && !says && (
        <PlotHost
          name={name}
          label={picture.label}
          painter={picture.painter}
          model={picture.model}
          theme={theme}
          describe={picture.describe}
          onOpen={(index) => {
            const run = picture.runOf(index);
            if (run) void navigate({ to: "/r/$run_key", params: { run_key: run } });
          }}
          {...(onLayout ? { onLayout } : {})}
          {...(className ? { className } : {})}
        >
          {children?.(picture)}
        </PlotHost>
      )}
      {error && <p className="panel-error">{error.message}</p>}
      {!error && says && <p className="panel-empty">{says}</p>}
    </PanelFrame>
  );
}

const NO_COLUMNS: readonly Column[] = [];

function noteOf(stage: Stage | null, note: string): string {
  if (!stage) return "";
  const runs = `${formatCount(stage.runs.length)} ${stage.runs.length === 1 ? "run" : "runs"}`;
  const left = stage.left > 0 ? `the newest of ${formatCount(stage.runs.length + stage.left)}` : "";
  return [runs, left, note].filter(Boolean).join(" · ");
}

/** Size of the letters on the page, in pixels. */
const FONT_PX = 11;

/** The picture as it is at a size on paper at which its letters have the size asked for. */
function drawingOf<Model extends PlotModel, Layout>(picture: Picture<Model, Layout>, paper: Paper): Drawing {
  const px_per_mm = (POINTS_PER_MM * FONT_PX) / paper.font_pt;
  const drawing = new Drawing(paper.width_mm * px_per_mm, paper.height_mm * px_per_mm);
  paint(drawing.context, picture, drawing.width, drawing.height);
  return drawing;
}

/** The picture as a clean SVG, on white. */
function svgOf<Model extends PlotModel, Layout>(picture: Picture<Model, Layout>): string {
  const svg = new SvgContext(SVG_WIDTH, SVG_HEIGHT);
  paint(svg.context, picture, SVG_WIDTH, SVG_HEIGHT);
  return svg.toString();
}

function paint<Model extends PlotModel, Layout>(
  g: CanvasRenderingContext2D,
  { painter, model }: Picture<Model, Layout>,
  width: number,
  height: number,
): void {
  const theme = CHART_THEMES.light;
  g.font = theme.font;
  const layout = painter.layOut(g, model, { width, height, pixelRatio: 1 }, theme);
  painter.paintBase(g, model, layout, theme);
  painter.paintMarks(g, model, layout, theme);
}
