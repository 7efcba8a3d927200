import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useEffect, useId, useState } from "react";
import { ApiError } from "@/api/error";
import { fetchSeries } from "@/api/series";
import { useDebounced } from "@/ui/useDebounced";
import { useCast } from "../cast";

interface ExpressionFieldProps {
  /** With its "=", or "" for a new one. */
  value: string;
  /** null = it was emptied. */
  onChange(value: string | null): void;
}

const TYPING_MS = 350;

/** An expression over metrics. The server reads it while it is typed and says what is wrong, and where. */
export function ExpressionField({ value, onChange }: ExpressionFieldProps) {
  const [text, setText] = useState(value.slice(1));
  useEffect(() => setText(value.slice(1)), [value]);
  const settled = useDebounced(text.trim(), TYPING_MS);
  const cast = useCast();
  const run = cast.runs.at(-1)?.key ?? null;
  const id = useId();
  const check = useQuery({
    queryKey: ["expression", settled, run],
    queryFn: async ({ signal }) => {
      await fetchSeries(
        { runs: [run ?? ""], keys: [`=${settled}`], x: "step", range: null, buckets: 1 },
        signal,
      );
      return true;
    },
    enabled: settled !== "" && run !== null,
    retry: false,
  });
  const error = settled === text.trim() && check.error instanceof ApiError ? check.error : null;
  const apply = () => {
    const next = text.trim();
    if (next === value.slice(1) || (next && error)) return;
    onChange(next ? `=${next}` : null);
  };
  return (
    <span className="expression">
      <span className={`field ${error ? "bad" : ""}`}>
        <b aria-hidden="true">=</b>
        <input
          aria-label={value ? `Expression ${value}` : "New expression"}
          aria-invalid={error !== null}
          aria-describedby={error ? id : undefined}
          placeholder={value ? "" : "1 - val/acc"}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onBlur={apply}
          onKeyDown={(event) => event.key === "Enter" && apply()}
        />
        {value && (
          <button
            type="button"
            className="clear"
            aria-label="Remove expression"
            onClick={() => onChange(null)}
          >
            <X size={13} />
          </button>
        )}
      </span>
      {error && (
        <span className="field-error" id={id} role="alert">
          {error.position !== null && (
            <code className="error-place" aria-hidden="true">
              {text.slice(0, Math.max(0, error.position - 1))}
              <mark>{text.slice(Math.max(0, error.position - 1)) || " "}</mark>
            </code>
          )}
          {error.message}
          {error.hint && <span> {error.hint}</span>}
        </span>
      )}
    </span>
  );
}
