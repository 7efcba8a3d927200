import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Link2 } from "lucide-react";
import { accountKeys, revokeShare, type ShareRow, sharesQuery } from "@/api/accounts";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatDay } from "@/ui/humanize";

/** The links that let people without an account look at one run or project. */
export function LinksPage() {
  const shares = useQuery(sharesQuery);
  if (shares.error) return <ErrorNote error={shares.error} />;
  return (
    <section className="block" aria-label="Share links">
      <h2>
        Share links <span className="count">{shares.data?.length ?? ""}</span>
      </h2>
      <p className="muted">
        Whoever has such a link can look at one run, or at one project, without an account. Nothing else, and
        nothing can be changed. New ones are made with the Share button of a run or a project.
      </p>
      <ul className="rows">
        {shares.data?.map((row) => (
          <Share key={row.id} row={row} />
        ))}
      </ul>
      {shares.data?.length === 0 && (
        <div className="empty small">
          <Link2 size={20} />
          <b>Nothing is shared by link</b>
        </div>
      )}
    </section>
  );
}

function Share({ row }: { row: ShareRow }) {
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeShare(row.id),
    onSettled: () => queries.invalidateQueries({ queryKey: accountKeys.shares }),
  });
  const { entity, project } = row;
  return (
    <li>
      <span className="row-main">
        {row.run_key ? (
          <Link className="row-link" to="/r/$run_key" params={{ run_key: row.run_key }}>
            one run of {entity}/{project}
          </Link>
        ) : (
          <Link className="row-link" to="/$entity/$project" params={{ entity, project }}>
            {entity}/{project}
          </Link>
        )}
        <span className="muted">
          by {row.user} · {formatDay(row.created_at * 1000)} until {formatDay(row.expires_at * 1000)}
        </span>
        {revoke.error && <span className="bad">{revoke.error.message}</span>}
      </span>
      <button type="button" className="button" disabled={revoke.isPending} onClick={() => revoke.mutate()}>
        End
      </button>
    </li>
  );
}
