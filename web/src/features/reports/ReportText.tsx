import { lazy, Suspense, useCallback, useState } from "react";
import { createPortal } from "react-dom";
import type { Place } from "@/api/pictures";
import type { FormulaValue } from "@/api/reports";
import { valueExtensions, valuePlaces } from "./formulaText";
import { Value } from "./Value";

const Markdown = lazy(() => import("@/ui/Markdown"));

interface ReportTextProps {
  text: string;
  place: Place;
  values: Readonly<Record<string, FormulaValue>>;
  /** Values are on their way. */
  waiting: boolean;
  /** Called when the text stands on the page. */
  onDrawn?: (() => void) | undefined;
}

/** Text of a report: Markdown with the values of its formulas. */
export function ReportText({ text, place, values, waiting, onDrawn }: ReportTextProps) {
  const [places, setPlaces] = useState<{ formula: string; element: HTMLElement }[]>([]);
  const drawn = useCallback(
    (root: HTMLElement) => {
      setPlaces(valuePlaces(root));
      onDrawn?.();
    },
    [onDrawn],
  );
  return (
    <Suspense fallback={<div className="markdown report-coming" />}>
      <Markdown text={text} place={place} extensions={valueExtensions} onDrawn={drawn} />
      {places.map(({ formula, element }, index) =>
        createPortal(
          <Value formula={formula} value={values[formula] ?? null} waiting={waiting} />,
          element,
          `${index} ${formula}`,
        ),
      )}
    </Suspense>
  );
}
