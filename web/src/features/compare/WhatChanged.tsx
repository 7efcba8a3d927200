import { useQuery } from "@tanstack/react-query";
import { type ComparedRun, fetchChanged } from "@/api/comparison";
import { valueText } from "@/api/matrix";
import { runQuery } from "@/api/queries";
import { ErrorNote } from "@/ui/ErrorNote";
import { nameOf } from "./CodeDifference";

interface WhatChangedProps {
  run: string;
  /** Null = the server finds the run to compare with. */
  earlier: string | null;
  known: readonly ComparedRun[];
  /** Compares with another earlier run from now on. */
  onEarlier(run: string): void;
}

/** The inputs that differ between a run and an earlier one, most telling first, each with its reason. */
export default function WhatChanged({ run, earlier, known, onEarlier }: WhatChangedProps) {
  const found = useQuery({
    queryKey: ["changed", run, earlier],
    queryFn: ({ signal }) => fetchChanged(run, earlier, signal),
    retry: false,
  });
  const other = found.data?.earlier ?? null;
  const names = [useRunName(run, known), useRunName(other, known)] as const;
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <p className="list-empty">Looking for what changed…</p>;
  const { changes, why } = found.data;
  if (other === null) {
    return (
      <div className="empty">
        <b>There is no earlier run to compare {names[0]} with</b>
        <span>{why}</span>
      </div>
    );
  }
  return (
    <div className="compare-text">
      <p className="compare-note">
        From <b>{names[1]}</b> to <b>{names[0]}</b>. {why}
        {earlier === null && (
          <>
            {" "}
            <button type="button" className="link" onClick={() => onEarlier(other)}>
              Compare all of both
            </button>
          </>
        )}
      </p>
      {changes.length === 0 ? (
        <div className="empty">
          <b>No input that is known of both changed</b>
          <span>Code, config, packages, hardware, command and inputs are the same.</span>
        </div>
      ) : (
        <ol className="changes">
          {changes.map((change) => (
            <li key={`${change.section}:${change.key}`}>
              <span className="change-score" title={`How telling: ${Math.round(change.score * 100)} of 100`}>
                <i style={{ height: `${Math.max(6, Math.round(change.score * 100))}%` }} />
              </span>
              <div>
                <p className="change-key">
                  <span className="badge">{change.section}</span> <b>{change.key}</b>
                </p>
                <p className="change-values">
                  <del>{shown(change.before)}</del>
                  <span aria-hidden="true">→</span>
                  <ins>{shown(change.after)}</ins>
                </p>
                <p className="muted">{change.reason}</p>
              </div>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

const SHOWN_LETTERS = 300;

function shown(value: unknown): string {
  if (value === null || value === undefined) return "not set";
  const text = valueText(value);
  return text.length > SHOWN_LETTERS ? `${text.slice(0, SHOWN_LETTERS)}…` : text;
}

function useRunName(run: string | null, known: readonly ComparedRun[]): string {
  const listed = known.some(({ run_key }) => run_key === run);
  const detail = useQuery({ ...runQuery(run ?? ""), enabled: run !== null && !listed });
  return listed ? nameOf(known, run ?? "") : (detail.data?.name ?? "…");
}
