import { Link } from "@tanstack/react-router";
import { GitCompare } from "lucide-react";
import { COMPARED_RUNS } from "./limits";

interface CompareLinkProps {
  /** The runs that are shown; of them as many as fit beside each other. */
  runs: readonly { run_key: string; entity: string; project: string }[];
}

/** From the list of runs to their differences. */
export function CompareLink({ runs }: CompareLinkProps) {
  const [first] = runs;
  if (!first || runs.length < 2) return null;
  const compared = runs.slice(0, COMPARED_RUNS);
  const label =
    runs.length > COMPARED_RUNS ? `Compare the first ${COMPARED_RUNS} shown runs` : "Compare the shown runs";
  return (
    <Link
      className="icon-button"
      to="/$entity/$project/compare"
      params={{ entity: first.entity, project: first.project }}
      search={{ runs: compared.map(({ run_key }) => run_key).join(",") }}
      aria-label={label}
      title={label}
    >
      <GitCompare size={15} />
    </Link>
  );
}
