import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type Evaluation, evaluationQuery, type Report } from "@/api/reports";
import { splitBlocks, trimmed } from "./blocks";
import { type FrozenReport, fetchFrozen, frozenSource } from "./frozen";
import type { FrozenFigure } from "./ReportFigure";

/** What a report shows: frozen values and figures where it keeps them, else what there is now. */
export interface Shown {
  evaluation: Evaluation | null;
  /** Frozen data by the source of a figure's block; null while the report is live. */
  frozen: ReadonlyMap<string, FrozenFigure> | null;
  error: Error | null;
}

const NO_FIGURES: ReadonlyMap<string, FrozenFigure> = new Map();

/**
 * What *markdown* shows, which is a report's text or a draft of the next one. An *earlier* version shows media as long
 * as their runs are there: who reads a report is handed what its current version keeps.
 */
export function useShown(report: Report, markdown: string, earlier = false): Shown {
  const isFrozen = report.frozen !== null;
  const kept = useQuery({
    queryKey: ["report", report.id, "frozen", report.frozen?.sha256 ?? null],
    queryFn: ({ signal }) => fetchFrozen(report.id, report.version, signal),
    enabled: isFrozen,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const frozen = useMemo(
    () =>
      isFrozen && kept.data
        ? figuresOf(
            report.id,
            report.frozen?.sha256 ?? "",
            kept.data,
            earlier ? null : `reports/${report.id}`,
          )
        : null,
    [isFrozen, kept.data, report.id, report.frozen?.sha256, earlier],
  );
  // A text that was edited since asks the server about what is new in it.
  const covered = useMemo(
    () => isFrozen && kept.data !== undefined && covers(kept.data, markdown),
    [isFrozen, kept.data, markdown],
  );
  const live = useQuery({
    ...evaluationQuery(report.entity, report.project, markdown),
    enabled: !covered && !(isFrozen && kept.isPending),
    placeholderData: keepPreviousData,
    retry: false,
  });
  const evaluation = useMemo(
    () => (isFrozen && kept.data ? merged(kept.data.evaluation, live.data ?? null) : (live.data ?? null)),
    [isFrozen, kept.data, live.data],
  );
  const error = kept.error ?? live.error;
  const figures = isFrozen ? (frozen ?? NO_FIGURES) : null;
  // The same object while it says the same: all that is on the page is drawn with it.
  return useMemo(() => ({ evaluation, frozen: figures, error }), [evaluation, figures, error]);
}

/** The data of frozen figures by the source of their block. *keeper*: what hands out the bytes of their media. */
export function figuresOf(
  id: string,
  sha256: string,
  data: FrozenReport,
  keeper: string | null,
): ReadonlyMap<string, FrozenFigure> {
  return new Map(
    data.evaluation.figures.map(({ source, set }, figure) => {
      const shown = data.evaluation.sets[set];
      const place = shown ? `${shown.entity}/${shown.project}` : "";
      const panels = data.figures[figure]?.panels ?? [];
      return [
        trimmed(source),
        {
          sources: panels.map((panel, n) => frozenSource(`${id} ${sha256} ${figure} ${n}`, panel)),
          keys: data.keys[place] ?? [],
          configKeys: data.config_keys[place] ?? [],
          keeper,
        },
      ];
    }),
  );
}

/** Whether a text shows nothing but what is frozen. */
function covers({ evaluation }: FrozenReport, markdown: string): boolean {
  const sources = new Set(evaluation.figures.map(({ source }) => trimmed(source)));
  return splitBlocks(markdown).every(
    (block) => block.kind !== "figure" || sources.has(trimmed(block.source)),
  );
}

/** Frozen values before those of now. Sets of both are kept: a new figure needs the one of now. */
function merged(kept: Evaluation, now: Evaluation | null): Evaluation {
  if (!now) return kept;
  const known = new Map(kept.figures.map((figure) => [trimmed(figure.source), figure]));
  const sets: Evaluation["sets"] = {};
  for (const [name, set] of Object.entries(now.sets)) sets[`now ${name}`] = set;
  return {
    sets: { ...sets, ...kept.sets },
    main: kept.main,
    figures: now.figures.map(
      (figure) => known.get(trimmed(figure.source)) ?? { ...figure, set: `now ${figure.set}` },
    ),
    formulas: { ...now.formulas, ...kept.formulas },
    problems: now.problems,
  };
}
