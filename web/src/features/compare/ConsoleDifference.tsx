import { useQuery } from "@tanstack/react-query";
import { type ComparedRun, fetchConsoleComparison } from "@/api/comparison";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatCount } from "@/ui/humanize";
import { PatchView } from "../run/code/PatchView";
import { nameOf } from "./CodeDifference";
import { unifiedPatch } from "./unifiedPatch";
import "@/styles/run.css";
import "@/styles/media.css";

/** What two runs printed, line by line. */
export default function ConsoleDifference({
  a,
  b,
  known,
}: {
  a: string;
  b: string;
  known: readonly ComparedRun[];
}) {
  const found = useQuery({
    queryKey: ["compare-console", a, b],
    queryFn: ({ signal }) => fetchConsoleComparison(a, b, signal),
    retry: false,
  });
  if (found.error) return <ErrorNote error={found.error} />;
  if (!found.data) return <p className="list-empty">Comparing output…</p>;
  const { diff, cut, lines } = found.data;
  return (
    <div className="compare-text">
      <p className="compare-note">
        <b>{nameOf(known, a)}</b> printed {formatCount(lines[0])} lines, <b>{nameOf(known, b)}</b>{" "}
        {formatCount(lines[1])}.{cut && " Only the first part of each is compared."}
      </p>
      {diff ? (
        <PatchView text={unifiedPatch("console", "changed", diff)} />
      ) : (
        <div className="empty">
          <b>{lines[0] + lines[1] === 0 ? "Neither run printed anything" : "Both printed the same"}</b>
        </div>
      )}
    </div>
  );
}
