import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type ColumnAgg, METRIC } from "@/api/columns";
import { fetchGroupComparison, type Goal, type SeedGroup } from "@/api/statistics";
import { Choice } from "@/ui/Choice";
import { ErrorNote } from "@/ui/ErrorNote";
import { verdictOf } from "./words";

interface GroupVerdictProps {
  a: SeedGroup;
  b: SeedGroup;
  names: readonly [string, string];
  /** As a column: `metric:<key>`. */
  metric: string;
  agg: string;
  goal: Goal | null;
}

const CONFIDENCES = [
  ["0.9", "90 %"],
  ["0.95", "95 %"],
  ["0.99", "99 %"],
] as const;

/** Two configurations set against each other, in words. */
export function GroupVerdict({ a, b, names, metric, agg, goal }: GroupVerdictProps) {
  const [paired, setPaired] = useState(false);
  const [confidence, setConfidence] = useState<(typeof CONFIDENCES)[number][0]>("0.95");
  const key = metric.slice(METRIC.length);
  const ask = {
    metric: key,
    agg: agg as ColumnAgg,
    a: a.runs,
    b: b.runs,
    confidence: Number(confidence),
    ...(paired ? { pair_by: "config.seed" } : {}),
  };
  const found = useQuery({
    queryKey: ["statistics-compare", ask],
    queryFn: ({ signal }) => fetchGroupComparison(ask, signal),
    retry: false,
  });
  const verdict = found.data && verdictOf(found.data, key, names, goal, Number(confidence));
  return (
    <>
      <h2>
        <span>{names[0]}</span> <small>against</small> <span>{names[1]}</span>
      </h2>
      <div className="verdict-options">
        <button
          type="button"
          className="button toggle"
          aria-pressed={paired}
          onClick={() => setPaired(!paired)}
        >
          Pair by seed
        </button>
        <Choice label="Confidence" value={confidence} options={CONFIDENCES} onChange={setConfidence} />
      </div>
      {found.error && <ErrorNote error={found.error} />}
      {verdict && (
        <>
          <p className={`verdict-headline ${verdict.certainty}`}>{verdict.headline}</p>
          <ul>
            {verdict.sentences.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
