import { Link } from "@tanstack/react-router";
import { GitCompare } from "lucide-react";
import { getAccess } from "@/api/session";
import type { RunDetail } from "@/api/types";

/** From a run to what is different in it from the run before. */
export function ChangedLink({ run }: { run: RunDetail }) {
  // Who has only a link to this run sees no other one.
  if (getAccess().kind === "share") return null;
  return (
    <Link
      className="button"
      to="/$entity/$project/compare"
      params={{ entity: run.entity, project: run.project }}
      search={{ runs: run.run_key, tab: "changed" }}
    >
      <GitCompare size={14} />
      <span className="button-text">What changed?</span>
    </Link>
  );
}
