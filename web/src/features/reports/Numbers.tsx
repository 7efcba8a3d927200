import { useQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useState } from "react";
import type { Place } from "@/api/pictures";
import { type NumberByHand, numbersQuery } from "@/api/reports";
import { useDebounced } from "@/ui/useDebounced";

interface NumbersProps {
  place: Place;
  markdown: string;
  onReplace(number: NumberByHand, formula: string): void;
}

const TYPING_MS = 1_500;

/** The numbers that were typed by hand: they stay as they are when runs say something else. */
export function Numbers({ place, markdown, onReplace }: NumbersProps) {
  const asked = useDebounced(markdown, TYPING_MS);
  const found = useQuery({
    ...numbersQuery(place.entity, place.project, asked),
    placeholderData: (former) => former,
    retry: false,
  });
  const [open, setOpen] = useState(false);
  const numbers = found.data ?? [];
  if (numbers.length === 0) return null;
  const known = numbers.filter(({ formulas }) => formulas.length > 0).length;
  return (
    <section className="typed-numbers" aria-label="Numbers typed by hand">
      <button type="button" className="link-button" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? <ChevronDown size={13} /> : <ChevronRight size={13} />}
        {numbers.length} {numbers.length === 1 ? "number is" : "numbers are"} typed by hand
        {known > 0 && `, ${known} of them could be ${known === 1 ? "a formula" : "formulas"}`}
      </button>
      {open && (
        <ul>
          {numbers.map((number) => (
            <li key={`${number.line}:${number.column}`}>
              <b>{number.text}</b>
              <span className="muted">line {number.line}</span>
              {number.formulas.map((formula) => (
                <button
                  key={formula}
                  type="button"
                  className="chip"
                  title="Put the formula in its place"
                  onClick={() => onReplace(number, formula)}
                >
                  <code>{formula}</code>
                </button>
              ))}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
