import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { queryKeys } from "@/api/queries";
import { fetchTablePage, type TableAsk, type TableRow } from "@/api/runsTable";
import type { RunDetail } from "@/api/types";
import { quoteText } from "@/api/types";
import { formatCount } from "@/ui/humanize";
import { StateMark } from "@/ui/StateMark";

interface Place {
  entity: string;
  project: string;
}

const CHILDREN_SHOWN = 50;

/** The run that this one belongs to, and those that belong to it, as deep as they go. */
export function Family({ run }: { run: RunDetail }) {
  const parents = useRuns(run, run.parent ? `id = ${quoteText(run.parent)}` : null);
  const [parent] = parents.data?.runs ?? [];
  const children = useChildren(run, run.run_id);
  const { reproduces } = run.meta;
  const any = (children.data?.match ?? 0) > 0;
  return (
    <>
      {run.parent && (
        <div>
          <dt>parent</dt>
          <dd>{parent ? <RunLink run={parent} /> : <code>{run.parent}</code>}</dd>
        </div>
      )}
      {typeof reproduces === "string" && (
        <div>
          <dt>reproduces</dt>
          <dd>
            <Link to="/r/$run_key" params={{ run_key: reproduces }}>
              run {reproduces}
            </Link>
          </dd>
        </div>
      )}
      {run.fork_of && (
        <div>
          <dt>forked from</dt>
          <dd>
            {run.fork_of.name === null ? (
              <code>{run.fork_of.run_id}</code>
            ) : (
              <Link to="/r/$run_key" params={{ run_key: run.fork_of.run_key }}>
                {run.fork_of.name}
              </Link>
            )}{" "}
            <span className="muted">
              at step {formatCount(run.fork_of.step)}
              {!run.fork_of.here && "; its points are not here, only those of this run are shown"}
            </span>
          </dd>
        </div>
      )}
      {run.forks.length > 0 && (
        <div>
          <dt>forks</dt>
          <dd>
            <ul className="family">
              {run.forks.map((fork) => (
                <li key={fork.run_key}>
                  <span className="family-run">
                    <Link to="/r/$run_key" params={{ run_key: fork.run_key }}>
                      {fork.name}
                    </Link>
                    <StateMark state={fork.state} />
                    <span className="muted">at step {formatCount(fork.step)}</span>
                  </span>
                </li>
              ))}
            </ul>
          </dd>
        </div>
      )}
      {any && (
        <div>
          <dt>children</dt>
          <dd>
            <Children place={run} id={run.run_id} above={[run.run_id]} />
          </dd>
        </div>
      )}
    </>
  );
}

/** *above*: the runs on the way here; one that belongs to its own descendant is not followed round and round. */
function Children({ place, id, above }: { place: Place; id: string; above: readonly string[] }) {
  const { data } = useChildren(place, id);
  const runs = data?.runs ?? [];
  const more = (data?.match ?? 0) - runs.length;
  return (
    <ul className="family">
      {runs.map((child) => (
        <Child key={child.run_key} place={place} run={child} above={above} />
      ))}
      {more > 0 && <li className="muted">and {formatCount(more)} more</li>}
    </ul>
  );
}

function Child({ place, run, above }: { place: Place; run: TableRow; above: readonly string[] }) {
  const [open, setOpen] = useState(false);
  const round = above.includes(run.run_id);
  const { data } = useChildren(place, round ? null : run.run_id);
  const count = data?.match ?? 0;
  return (
    <li>
      <RunLink run={run} />
      {count > 0 && !open && (
        <button type="button" className="link" onClick={() => setOpen(true)}>
          {formatCount(count)} {count === 1 ? "child" : "children"}
        </button>
      )}
      {open && <Children place={place} id={run.run_id} above={[...above, run.run_id]} />}
    </li>
  );
}

function RunLink({ run }: { run: TableRow }) {
  return (
    <span className="family-run">
      <Link
        to="/$entity/$project/runs/$run_id/$tab"
        params={{ entity: run.entity, project: run.project, run_id: run.run_id, tab: "overview" }}
      >
        {run.name}
      </Link>
      <StateMark state={run.state} />
    </span>
  );
}

function useChildren(place: Place, id: string | null) {
  return useRuns(place, id === null ? null : `parent = ${quoteText(id)}`);
}

/** Runs of a project; none for who may see only one run of it. */
function useRuns({ entity, project }: Place, filter: string | null) {
  const ask: TableAsk = {
    entity,
    project,
    filter: filter ?? "",
    sort: [{ by: "number", desc: false }],
    columns: [],
  };
  return useQuery({
    queryKey: [...queryKeys.runs(entity, project), "family", filter],
    queryFn: ({ signal }) => fetchTablePage(ask, 0, CHILDREN_SHOWN, signal),
    enabled: filter !== null,
    retry: false,
  });
}
