import { useMemo } from "react";
import { standsAlone } from "@/api/held";
import type { Place } from "@/api/pictures";
import type { Evaluation } from "@/api/reports";
import { type Block, type Fields, isFields, namedSets, splitBlocks, trimmed } from "./blocks";
import { readFigure } from "./figure";
import { ReportFigure } from "./ReportFigure";
import { ReportText } from "./ReportText";
import { RunSets } from "./RunSets";
import type { Shown } from "./useShown";

interface ReportBodyProps {
  markdown: string;
  place: Place;
  shown: Shown;
  /** Called when a text stands on the page. */
  onDrawn?: () => void;
  onComment?: ((part: string) => void) | undefined;
  /** Open threads by the part of the report that they are about. */
  comments?: ReadonlyMap<string, number>;
}

const NO_VALUES = {};
const LATER = "It was added or changed after the report was frozen, so its data are not in this page.";

/** A report as it is read: text, values, figures. */
export function ReportBody({ markdown, place, shown, onDrawn, onComment, comments }: ReportBodyProps) {
  const blocks = useMemo(() => splitBlocks(markdown), [markdown]);
  const sets = useMemo(() => namedSets(markdown), [markdown]);
  const { evaluation } = shown;
  let figure = 0;
  return (
    <div className="report-body">
      {blocks.map((block, index) => {
        const key = `${index} ${block.kind}`;
        if (block.kind === "figure") {
          figure++;
          const part = partOf(figure);
          return (
            <BlockFigure
              key={key}
              block={block}
              number={figure}
              shown={shown}
              sets={sets}
              place={place}
              onComment={onComment && (() => onComment(part))}
              comments={comments?.get(part) ?? 0}
            />
          );
        }
        if (block.kind === "runs") {
          return <RunSets key={key} value={block.value} evaluation={evaluation} place={place} />;
        }
        if (block.kind === "wrong") return <WrongBlock key={key} block={block} />;
        return (
          <ReportText
            key={key}
            text={block.source}
            place={place}
            values={evaluation?.formulas ?? NO_VALUES}
            waiting={evaluation === null && shown.error === null}
            onDrawn={onDrawn}
          />
        );
      })}
    </div>
  );
}

/** How comments name a figure. */
export function partOf(figure: number): string {
  return `figure ${figure}`;
}

export interface BlockFigureProps {
  block: Block & { kind: "figure" };
  /** Which figure it is, from 1. */
  number: number;
  shown: Shown;
  sets: ReadonlyMap<string, Fields>;
  place: Place;
  onComment?: (() => void) | undefined;
  comments?: number;
  onPanel?: Parameters<typeof ReportFigure>[0]["onPanel"];
}

/** A figure with the runs that it is about now, or was when the report was frozen. */
export function BlockFigure({ block, number, shown, sets, place, ...rest }: BlockFigureProps) {
  const spec = useMemo(() => readFigure(block.value), [block.value]);
  const { evaluation } = shown;
  const about = figureOf(evaluation, block.source, number);
  const runs = (about && evaluation?.sets[about.set]) ?? null;
  const frozen = shown.frozen?.get(trimmed(block.source)) ?? null;
  const lacking = frozen === null && standsAlone() ? LATER : "";
  const named = typeof spec.runs === "string" ? spec.runs : (evaluation?.main ?? "");
  return (
    <ReportFigure
      spec={spec}
      shown={runs}
      set={isFields(spec.runs) ? spec.runs : (sets.get(named) ?? null)}
      number={number}
      problem={about?.problem || lacking}
      values={evaluation?.formulas ?? NO_VALUES}
      frozen={frozen}
      unfrozen={shown.frozen !== null && frozen === null && evaluation !== null}
      place={place}
      {...rest}
    />
  );
}

/** What an evaluation says of a figure: by its source, else, while the answer for an edit is on its way, by its place. */
function figureOf(evaluation: Evaluation | null, source: string, number: number) {
  const wanted = trimmed(source);
  return (
    evaluation?.figures.find((figure) => trimmed(figure.source) === wanted) ??
    evaluation?.figures[number - 1] ??
    null
  );
}

export function WrongBlock({ block }: { block: Block & { kind: "wrong" } }) {
  return (
    <div className="figure-problem" role="note">
      <b>Line {block.line}</b>
      <span>{block.error}</span>
      <pre>{block.source}</pre>
    </div>
  );
}
