import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { accountKeys, editMe, endSessionOf, meQuery, sessionsQuery } from "@/api/accounts";
import { endSession, sessionQuery } from "@/api/queries";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge } from "@/ui/humanize";

/** One's own name, password and browsers. */
export function AccountPage() {
  const me = useQuery(meQuery);
  if (me.error) return <ErrorNote error={me.error} />;
  if (!me.data) return null;
  return (
    <>
      <DisplayName key={me.data.display_name} name={me.data.name} shown={me.data.display_name} />
      {me.data.has_password && <Password />}
      <Browsers />
    </>
  );
}

function DisplayName({ name, shown }: { name: string; shown: string }) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(shown);
  const save = useMutation({
    mutationFn: () => editMe({ display_name: draft.trim() }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: accountKeys.me });
      void queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
  });
  return (
    <section className="block" aria-label="Name">
      <h2>Name</h2>
      <p className="muted">
        You sign in as <b>{name}</b>, and new runs of yours are filed under it.
      </p>
      <form
        className="form-row"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <label>
          Shown as
          <input
            className="text-input"
            value={draft}
            maxLength={256}
            placeholder={name}
            onChange={(event) => setDraft(event.target.value)}
          />
        </label>
        <button type="submit" className="button" disabled={save.isPending || draft.trim() === shown}>
          Save
        </button>
      </form>
      {save.error && <p className="field-error">{save.error.message}</p>}
    </section>
  );
}

function Password() {
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [done, setDone] = useState(false);
  const save = useMutation({
    mutationFn: () => editMe({ password: { old, new: next } }),
    onSuccess: () => {
      setOld("");
      setNext("");
      setDone(true);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setDone(false);
    save.mutate();
  };
  return (
    <section className="block" aria-label="Password">
      <h2>Password</h2>
      <form className="form-row" onSubmit={submit}>
        <label>
          Present one
          <input
            className="text-input"
            type="password"
            autoComplete="current-password"
            required
            value={old}
            onChange={(event) => setOld(event.target.value)}
          />
        </label>
        <label>
          New one
          <input
            className="text-input"
            type="password"
            autoComplete="new-password"
            minLength={10}
            required
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
        </label>
        <button type="submit" className="button" disabled={save.isPending}>
          Change
        </button>
      </form>
      {save.error && <p className="field-error">{save.error.message}</p>}
      {done && <p className="good">Changed. All other browsers were signed out.</p>}
    </section>
  );
}

function Browsers() {
  const queries = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const end = useMutation({
    mutationFn: endSessionOf,
    onSettled: () => queries.invalidateQueries({ queryKey: accountKeys.sessions }),
  });
  const now = Date.now();
  return (
    <section className="block" aria-label="Browsers">
      <h2>
        Signed in <span className="count">{sessions.data?.length ?? ""}</span>
      </h2>
      <ul className="rows">
        {sessions.data?.map(({ id, peer, seen_at, created_at, current }) => (
          <li key={id}>
            <span className="row-main">
              <b>{current ? "This browser" : peer}</b>
              <span className="muted">
                {current ? `${peer} · ` : ""}since {formatAge(created_at * 1000, now)} · last used{" "}
                {formatAge(seen_at * 1000, now)}
              </span>
            </span>
            <button
              type="button"
              className="button"
              onClick={() => (current ? void endSession() : end.mutate(id))}
            >
              Sign out
            </button>
          </li>
        ))}
      </ul>
      {end.error && <p className="field-error">{end.error.message}</p>}
    </section>
  );
}
