// A figure as a Python script that draws it from a CSV beside it, for whoever wants to go on from there.

import { type Figure, type Paper, short } from "./figure";

/** What the script reads: `line,x,value,lowest,highest`, gaps as empty fields. Quoted as Python's csv reads it. */
export function figureCsv(figure: Figure): string {
  const rows = ["line,x,value,lowest,highest"];
  figure.lines.forEach((line, n) => {
    line.x.forEach((x, i) => {
      rows.push([n, x, cell(line.y[i]), cell(line.low?.[i]), cell(line.high?.[i])].join(","));
    });
  });
  return `${rows.join("\n")}\n`;
}

function cell(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "" : String(value);
}

/** The script. It needs matplotlib and nothing else, and writes a PDF of the paper's size. */
export function matplotlibScript(figure: Figure, paper: Paper, name: string): string {
  const styles = figure.lines.map((line) => {
    const dash = line.dash.length > 0 ? `(0, (${line.dash.map((d) => short(d * 0.75)).join(", ")}))` : '"-"';
    return `    (${text(line.label)}, ${text(line.color)}, ${dash}, ${line.faint ? "0.3" : "1.0"}),`;
  });
  return `"""Draws ${name}.pdf from ${name}.csv."""

import csv
from pathlib import Path

import matplotlib

matplotlib.use("pdf")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
LINES = [  # label, colour, dashes, opacity
${styles.join("\n")}
]

columns = {number: ([], [], [], []) for number in range(len(LINES))}
with open(HERE / ${text(`${name}.csv`)}, newline="") as file:
    for row in csv.DictReader(file):
        fields = (row["x"], row["value"], row["lowest"], row["highest"])
        for column, field in zip(columns[int(row["line"])], fields):
            column.append(float(field) if field else float("nan"))

plt.rcParams.update({"font.size": ${paper.font_pt}, "pdf.fonttype": 42, "axes.spines.top": False, "axes.spines.right": False})
figure, axes = plt.subplots(figsize=(${short(paper.width_mm / 25.4)}, ${short(paper.height_mm / 25.4)}), layout="constrained")
for number, (label, colour, dashes, opacity) in enumerate(LINES):
    x, value, lowest, highest = columns[number]
    if any(one == one for one in lowest):
        axes.fill_between(x, lowest, highest, color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, value, color=colour, linestyle=dashes, linewidth=0.8, alpha=opacity, label=label if opacity == 1 else None)
axes.set_xscale(${figure.xLog ? '"log"' : '"linear"'})
axes.set_yscale(${figure.yLog ? '"log"' : '"linear"'})
axes.set_xlim(${figure.xRange[0]}, ${figure.xRange[1]})
axes.set_ylim(${figure.yRange[0]}, ${figure.yRange[1]})
axes.set_xlabel(${text(figure.xLabel)})
axes.set_ylabel(${text(figure.yLabel)})
axes.grid(alpha=0.15)
${paper.legend ? "axes.legend(frameon=False)\n" : ""}figure.savefig(HERE / ${text(`${name}.pdf`)})
`;
}

/** A Python string, whatever is in it; a dollar would begin mathematics. */
function text(value: string): string {
  return JSON.stringify(value.replaceAll("$", "\\$")).replaceAll(
    /[\u007f-\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
