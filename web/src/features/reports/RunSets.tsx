import { Link } from "@tanstack/react-router";
import type { Place } from "@/api/pictures";
import type { Evaluation } from "@/api/reports";
import { formatCount } from "@/ui/humanize";
import { type Fields, isFields } from "./blocks";
import { workspaceSearch } from "./stage";

interface RunSetsProps {
  value: Fields;
  evaluation: Evaluation | null;
  place: Place;
}

/** The run sets that a report names: which runs each means now, with a way to them. */
export function RunSets({ value, evaluation }: RunSetsProps) {
  const sets = isFields(value.runs) ? Object.entries(value.runs) : [];
  return (
    <ul className="run-sets" aria-label="Run sets">
      {sets.map(([name, set]) => {
        const shown = evaluation?.sets[name] ?? evaluation?.sets[`now ${name}`];
        const fields = isFields(set) ? set : {};
        return (
          <li key={name} className={shown?.problem ? "wrong" : ""}>
            <b>{name}</b>
            {shown && !shown.problem && (
              <Link
                to="/$entity/$project"
                params={{ entity: shown.entity, project: shown.project }}
                search={workspaceSearch(shown, fields)}
              >
                {formatCount(shown.members.length)} {shown.members.length === 1 ? "run" : "runs"}
              </Link>
            )}
            <span className="run-set-says">{saidOf(fields)}</span>
            {shown?.problem && <span className="bad">{shown.problem}</span>}
            {shown && shown.unknown.length > 0 && (
              <span className="warn">not there: {shown.unknown.join(", ")}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** A run set in a few words. */
export function saidOf(set: Fields): string {
  const list = (value: unknown) => (Array.isArray(value) ? value.join(", ") : String(value));
  const parts = [
    typeof set.project === "string" ? `of ${set.project}` : "",
    typeof set.filter === "string" && set.filter ? set.filter : "",
    typeof set.search === "string" && set.search ? `“${set.search}”` : "",
    Array.isArray(set.runs) ? list(set.runs.slice(0, 6)) + (set.runs.length > 6 ? " …" : "") : "",
    set.group ? `by ${list(set.group).replaceAll("config.", "")}` : "",
    typeof set.limit === "number" ? `the first ${set.limit}` : "",
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(" · ") : "all runs";
}
