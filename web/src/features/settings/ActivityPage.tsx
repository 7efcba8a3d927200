import { useInfiniteQuery } from "@tanstack/react-query";
import { accountKeys, fetchAudit } from "@/api/accounts";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatMoment } from "@/ui/humanize";

/** Lines that the server sends at once. */
const AUDIT_PAGE = 100;

/** Who did what, when and from where. */
export function ActivityPage() {
  const pages = useInfiniteQuery({
    queryKey: accountKeys.audit,
    queryFn: ({ pageParam, signal }) => fetchAudit(pageParam, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => (page.lines.length < AUDIT_PAGE ? null : page.lines.at(-1)?.id),
  });
  if (pages.error) return <ErrorNote error={pages.error} />;
  const lines = pages.data?.pages.flatMap((page) => page.lines) ?? [];
  return (
    <section className="block" aria-label="Activity">
      <h2>Activity</h2>
      <div className="table-scroll">
        <table className="plain-table">
          <thead>
            <tr>
              <th>When</th>
              <th>Who</th>
              <th>What</th>
              <th>On</th>
              <th>From</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <tr key={line.id}>
                <td className="nowrap">{formatMoment(line.time * 1000)}</td>
                <td>{line.actor}</td>
                <td className="mono">{line.action}</td>
                <td className="wide">{line.subject}</td>
                <td className="mono">{line.peer}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages.hasNextPage && (
        <div className="row-actions">
          <button
            type="button"
            className="button"
            disabled={pages.isFetching}
            onClick={() => pages.fetchNextPage()}
          >
            Earlier
          </button>
        </div>
      )}
    </section>
  );
}
