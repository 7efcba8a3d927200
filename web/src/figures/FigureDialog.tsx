import { useState } from "react";
import { NumberField, Switch } from "@/panels/settings/fields";
import { Dialog } from "@/ui/Dialog";
import { Segmented } from "@/ui/Segmented";
import { saveBlob, saveText } from "@/ui/saveText";
import type { Drawing } from "./drawing";
import { drawingPdf } from "./drawingPdf";
import { drawingTikz } from "./drawingTikz";
import type { Figure, Paper } from "./figure";
import { figureCsv, matplotlibScript } from "./matplotlib";
import { pdf } from "./pdf";
import { tikz } from "./tikz";

type Width = "84" | "120" | "174";
type Form = "pdf" | "tikz" | "matplotlib";

const WIDTHS: readonly (readonly [Width, string])[] = [
  ["84", "One column, 84 mm"],
  ["120", "120 mm"],
  ["174", "Two columns, 174 mm"],
];
const FORMS: readonly (readonly [Form, string])[] = [
  ["pdf", "PDF"],
  ["tikz", "TikZ"],
  ["matplotlib", "matplotlib"],
];
const ABOUT: Readonly<Record<Form, string>> = {
  pdf: "Vectors and text; stands in a document as it is.",
  tikz: "For pgfplots: LaTeX draws it in the document's own fonts.",
  matplotlib: "A Python script and the CSV that it reads, to go on from.",
};
/** A font of this size or a page of this height is a slip of the hand. */
const FONT_PT = [4, 24] as const;
const HEIGHT_MM = [20, 280] as const;

interface FigureDialogProps {
  title: string;
  /** A line chart, which has a form of its own on paper; null = `drawing` draws the picture. */
  figure: Figure | null;
  drawing: ((paper: Paper) => Drawing) | null;
  fileName: string;
  onClose(): void;
}

/** Saves a chart at the size that it has on paper. */
export default function FigureDialog({ title, figure, drawing, fileName, onClose }: FigureDialogProps) {
  const [width, setWidth] = useState<Width>("84");
  const [form, setForm] = useState<Form>("pdf");
  const [font_pt, setFont] = useState<number | null>(8);
  const [height_mm, setHeight] = useState<number | null>(56);
  const named = figure?.lines.filter(({ faint }) => !faint).length ?? 0;
  const [legend, setLegend] = useState(named <= 8);
  const isValid = within(font_pt, FONT_PT) && within(height_mm, HEIGHT_MM);
  const save = () => {
    const paper: Paper = {
      width_mm: Number(width),
      height_mm: height_mm ?? 0,
      font_pt: font_pt ?? 0,
      legend,
    };
    if (form === "pdf") {
      const bytes = figure ? pdf(figure, paper) : drawing && drawingPdf(drawing(paper), paper, title);
      if (bytes) saveBlob(`${fileName}.pdf`, new Blob([bytes], { type: "application/pdf" }));
    } else if (form === "tikz") {
      const text = figure ? tikz(figure, paper) : drawing && drawingTikz(drawing(paper), paper, title);
      if (text) saveText(`${fileName}.tex`, "text/x-tex", text);
    } else if (figure) {
      saveText(`${fileName}.csv`, "text/csv", figureCsv(figure));
      saveText(`${fileName}.py`, "text/x-python", matplotlibScript(figure, paper, fileName));
    }
    onClose();
  };
  return (
    <Dialog title="Figure for a paper" open onClose={onClose}>
      <form
        className="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          if (isValid) save();
        }}
      >
        <Segmented
          label="Format"
          value={form}
          options={figure ? FORMS : FORMS.filter(([name]) => name !== "matplotlib")}
          onChange={setForm}
        />
        <p className="muted">
          {figure || form === "pdf" ? ABOUT[form] : "LaTeX draws it in the document's own fonts."}
        </p>
        <Segmented label="Width" value={width} options={WIDTHS} onChange={setWidth} />
        <div className="setting">
          <span>Height, mm</span>
          <span className="setting-control">
            <NumberField label="Height in mm" value={height_mm} onChange={setHeight} />
          </span>
        </div>
        <div className="setting">
          <span>Font size, pt</span>
          <span className="setting-control">
            <NumberField label="Font size in points" value={font_pt} onChange={setFont} />
          </span>
        </div>
        {figure && (
          <div className="setting">
            <span>
              Legend of {named} {named === 1 ? "line" : "lines"}
            </span>
            <span className="setting-control">
              <Switch label="Legend" checked={legend} onChange={setLegend} />
            </span>
          </div>
        )}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={!isValid}>
            Save
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function within(value: number | null, [least, most]: readonly [number, number]): boolean {
  return value !== null && value >= least && value <= most;
}
