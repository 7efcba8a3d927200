import type { MediaValue } from "@/api/mediaValue";
import { AudioView } from "./audio/AudioView";
import { HtmlView } from "./frame/HtmlView";
import { PlotlyView } from "./frame/PlotlyView";
import { VegaView } from "./frame/VegaView";
import { GraphView } from "./graph/GraphView";
import { readBins } from "./histogram/bins";
import { HistogramView } from "./histogram/HistogramView";
import { ImageTile } from "./image/ImageTile";
import type { OverlayView } from "./image/overlays";
import { SolidTile } from "./object3d/SolidTile";
import { PlotView } from "./plot/PlotView";
import { VideoView } from "./video/VideoView";

export interface MediaViewProps {
  runKey: string;
  value: MediaValue;
  /** Near the viewport: bytes may be fetched. */
  wanted: boolean;
  /** Names it for people who do not see it. */
  label: string;
  overlay?: OverlayView;
}

const ONE_STEP = { mode: "ridges", measure: "count", log: false } as const;

/** One logged value in the place it is given; every kind but tables, whose cells hold these. */
export function SimpleMedia({ runKey, value, wanted, label, overlay }: MediaViewProps) {
  const common = { runKey, wanted, label };
  switch (value._type) {
    case "image-file":
      // An SVG is a document that may hold scripts.
      return value.format === "svg" ? (
        <HtmlView {...common} value={value} />
      ) : (
        <ImageTile {...common} value={value} {...(overlay ? { overlay } : {})} />
      );
    case "audio-file":
      return <AudioView {...common} value={value} />;
    case "video-file":
      return <VideoView {...common} value={value} />;
    case "html-file":
      return <HtmlView {...common} value={value} />;
    case "object3D-file":
    case "molecule-file":
      return <SolidTile {...common} value={value} />;
    case "table-file":
      return <p className="media-note">A table of {value.nrows} rows.</p>;
    case "histogram": {
      const bins = readBins(0, value);
      return bins ? <HistogramView all={[bins]} look={ONE_STEP} label={label} step={null} /> : null;
    }
    case "plotly-file":
      return <PlotlyView {...common} value={value} />;
    case "vega-file":
      return <VegaView {...common} value={value} />;
    case "plot":
      return <PlotView {...common} value={value} />;
    case "graph":
      return <GraphView runKey={runKey} value={value} wanted={wanted} />;
    default:
      return (
        <p className="media-note">
          A value of kind {(value as { _type: string })._type}, which this page cannot show.
        </p>
      );
  }
}
