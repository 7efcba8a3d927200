import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { fetchComparison } from "@/api/comparison";
import { projectQuery, queryKeys } from "@/api/queries";
import { usePageStatus } from "@/state/pageStatus";
import { ErrorNote } from "@/ui/ErrorNote";
import { Segmented } from "@/ui/Segmented";
import { useTitle } from "@/ui/useTitle";
import { COMPARE_TABS, useCompareAddress } from "./compareAddress";
import { Differences } from "./Differences";
import { RunChips } from "./RunChips";
import "@/styles/comparing.css";
import "@/styles/compare.css";

const CodeDifference = lazy(() => import("./CodeDifference"));
const ConsoleDifference = lazy(() => import("./ConsoleDifference"));
const WhatChanged = lazy(() => import("./WhatChanged"));
const Seeds = lazy(() => import("./Seeds"));

/** Two or more runs beside each other; and groups of runs that are equal but for the seed. */
export function ComparePage({ entity, project }: { entity: string; project: string }) {
  const [address, change] = useCompareAddress();
  const { runs, tab } = address;
  useTitle(`Compare ${project}`);
  const detail = useQuery(projectQuery(entity, project));
  const running = detail.data?.running ?? 0;
  useEffect(() => usePageStatus.setState({ running }), [running]);
  const compared = useQuery({
    queryKey: [...queryKeys.runs(entity, project), "compare", runs],
    queryFn: ({ signal }) => fetchComparison(runs, signal),
    enabled: runs.length >= 2,
    retry: false,
  });
  const comparison = compared.data;
  const base = runs.includes(address.base ?? "") ? address.base : (runs[0] ?? null);
  // Two runs are told apart as text: the baseline, and the first of the others.
  const other = runs.find((run) => run !== base) ?? null;
  return (
    <main id="main" className="compare-page">
      <header className="compare-head">
        <h1>Compare</h1>
        <Segmented
          label="What is compared"
          value={tab}
          options={COMPARE_TABS}
          onChange={(next) => change({ tab: next })}
        />
        <span className="grow" />
        {tab !== "seeds" && (
          <RunChips
            entity={entity}
            project={project}
            runs={runs}
            known={comparison?.runs ?? []}
            base={base}
            onChange={(next) => change(next)}
          />
        )}
      </header>
      <div className="compare-body">
        <Suspense fallback={<p className="list-empty">Loading…</p>}>
          {tab === "seeds" ? (
            <Seeds entity={entity} project={project} address={address} onChange={change} />
          ) : tab === "changed" && runs.length === 1 && runs[0] ? (
            <WhatChanged
              run={runs[0]}
              earlier={null}
              known={[]}
              onEarlier={(run) => change({ runs: [run, runs[0] ?? ""] })}
            />
          ) : runs.length < 2 ? (
            <div className="empty">
              <b>{runs.length === 0 ? "No runs to compare yet" : "One more run to compare with"}</b>
              <span>
                Mark runs in the runs table and press Compare, or add them above. Seeds need no choice: they
                compare all runs of the project.
              </span>
            </div>
          ) : compared.error ? (
            <ErrorNote error={compared.error} />
          ) : !comparison || base === null ? (
            <p className="list-empty">Comparing…</p>
          ) : tab === "differences" ? (
            <Differences
              comparison={comparison}
              base={base}
              all={address.all}
              onAll={(all) => change({ all })}
            />
          ) : tab === "code" && other ? (
            <CodeDifference a={base} b={other} known={comparison.runs} />
          ) : tab === "console" && other ? (
            <ConsoleDifference a={base} b={other} known={comparison.runs} />
          ) : (
            other && (
              <WhatChanged
                run={other}
                earlier={base}
                known={comparison.runs}
                onEarlier={(run) => change({ runs: [run, ...runs], base: run })}
              />
            )
          )}
        </Suspense>
      </div>
    </main>
  );
}
