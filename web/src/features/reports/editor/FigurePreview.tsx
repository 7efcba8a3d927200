import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Place } from "@/api/pictures";
import { evaluationQuery } from "@/api/reports";
import { useDebounced } from "@/ui/useDebounced";
import { type Fields, splitBlocks, writeBlock } from "../blocks";
import { BlockFigure } from "../ReportBody";

interface FigurePreviewProps {
  value: Fields;
  place: Place;
  /** The run sets that the report names. */
  sets: ReadonlyMap<string, Fields>;
}

const TYPING_MS = 350;

/** A figure as the page will show it, of the runs as they are now. It follows the form when that rests. */
export function FigurePreview({ value, place, sets }: FigurePreviewProps) {
  const source = useDebounced(writeBlock(value), TYPING_MS);
  const [block] = useMemo(() => splitBlocks(source), [source]);
  const named = useMemo(() => (sets.size > 0 ? writeBlock({ runs: Object.fromEntries(sets) }) : ""), [sets]);
  const found = useQuery({
    ...evaluationQuery(place.entity, place.project, `${named}\n${source}`),
    placeholderData: (former) => former,
    retry: false,
  });
  const shown = useMemo(
    () => ({ evaluation: found.data ?? null, frozen: null, error: found.error }),
    [found.data, found.error],
  );
  return (
    <section className="figure-form-preview" aria-label="Preview">
      {found.error && <p className="bad">{found.error.message}</p>}
      {block?.kind === "figure" && (
        <BlockFigure block={block} number={1} shown={shown} sets={sets} place={place} />
      )}
    </section>
  );
}
