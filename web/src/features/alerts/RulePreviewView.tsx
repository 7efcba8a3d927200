import type { RulePreview } from "@/api/alerts";
import { formatCount } from "@/ui/humanize";

interface RulePreviewViewProps {
  preview: RulePreview | undefined;
  error: Error | null;
  /** What the draft lacks; null if nothing. */
  missing: string | null;
}

/** Steps of one run that are named. */
const NAMED = 3;

/** How often a rule would have fired on the newest runs that it means. */
export function RulePreviewView({ preview, error, missing }: RulePreviewViewProps) {
  if (missing) return <p className="correction-preview list-empty">{missing}</p>;
  if (error) {
    return (
      <p className="correction-preview bad" role="alert">
        {error.message}
      </p>
    );
  }
  if (!preview) return <p className="correction-preview list-empty">Looking at the newest runs…</p>;
  const { runs, fired_runs, count, rows } = preview;
  return (
    <div className="correction-preview" aria-live="polite">
      <p>
        {runs === 0 ? (
          "No run passes this filter yet."
        ) : (
          <>
            It would have fired <b>{times(count)}</b>, in <b>{formatCount(fired_runs)}</b> of the newest{" "}
            {formatCount(runs)} {runs === 1 ? "run" : "runs"}.
          </>
        )}
      </p>
      {count > 0 && (
        <ul className="rule-preview">
          {rows
            .filter((row) => row.count > 0)
            .map((row) => (
              <li key={row.run_key}>
                <span className="name">{row.run_name}</span>
                <span>{times(row.count)}</span>
                <span className="muted">
                  {row.fires
                    .slice(0, NAMED)
                    .map(({ key, step, text }) =>
                      step === null ? text : `${key} at step ${formatCount(step)}: ${text}`,
                    )
                    .join("; ")}
                  {row.count > NAMED && " …"}
                </span>
              </li>
            ))}
        </ul>
      )}
      {runs > 0 && count > runs * 3 && (
        <p className="warn">That is often. More times in a row, or a wider bound, would make it say less.</p>
      )}
    </div>
  );
}

function times(count: number): string {
  return count === 1 ? "once" : count === 0 ? "never" : `${formatCount(count)} times`;
}
