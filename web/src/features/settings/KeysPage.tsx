import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { accountKeys, createKey, type KeyRow, keysQuery, type NewKey, revokeKey } from "@/api/accounts";
import { Choice } from "@/ui/Choice";
import { CopyField } from "@/ui/CopyField";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatDay } from "@/ui/humanize";

const USES = [
  ["train", "Train and read"],
  ["ingest", "Only send runs"],
  ["read", "Only read"],
  ["all", "Everything I may do"],
] as const;

type Use = (typeof USES)[number][0];

const SCOPES: Record<Use, NonNullable<NewKey["scopes"]>> = {
  train: ["ingest", "read", "write"],
  ingest: ["ingest"],
  read: ["read"],
  all: ["ingest", "read", "write", "admin"],
};

const DAYS = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "one year"],
] as const;

type Days = (typeof DAYS)[number][0];

/** One's own keys for training scripts. */
export function KeysPage() {
  const keys = useQuery(keysQuery);
  const [creating, setCreating] = useState(false);
  const live = keys.data?.filter((key) => key.revoked_at === null) ?? [];
  if (keys.error) return <ErrorNote error={keys.error} />;
  return (
    <section className="block" aria-label="API keys">
      <h2>
        API keys <span className="count">{live.length}</span>
        <span className="grow" />
        <button type="button" className="button primary" onClick={() => setCreating(true)}>
          <Plus size={14} />
          New key
        </button>
      </h2>
      <p className="muted">
        A key lets a training script on any machine send its runs here as you: <code>TREERING_BASE_URL</code>,{" "}
        <code>TREERING_API_KEY</code>, or <code>treering login</code>.
      </p>
      <ul className="rows">
        {live.map((key) => (
          <Key key={key.id} row={key} />
        ))}
      </ul>
      {keys.data && live.length === 0 && (
        <div className="empty small">
          <KeyRound size={20} />
          <b>No keys yet</b>
        </div>
      )}
      {creating && <NewKeyDialog onClose={() => setCreating(false)} />}
    </section>
  );
}

function Key({ row }: { row: KeyRow }) {
  const queries = useQueryClient();
  const [sure, setSure] = useState(false);
  const revoke = useMutation({
    mutationFn: () => revokeKey(row.id),
    onSettled: () => queries.invalidateQueries({ queryKey: accountKeys.keys }),
  });
  const now = Date.now();
  const expired = row.expires_at * 1000 <= now;
  return (
    <li>
      <span className="row-main">
        <b>{row.name}</b>
        <span className="muted">
          <span className="mono">trk_{row.id}_…</span> · {row.scopes.join(", ")}
          {row.projects ? ` · only ${row.projects.join(", ")}` : ""} ·{" "}
          {row.used_at ? `used ${formatAge(row.used_at * 1000, now)} ago` : "never used"} ·{" "}
          {expired ? (
            <span className="bad">expired {formatDay(row.expires_at * 1000)}</span>
          ) : (
            `until ${formatDay(row.expires_at * 1000)}`
          )}
        </span>
        {revoke.error && <span className="bad">{revoke.error.message}</span>}
      </span>
      {sure ? (
        <>
          <button type="button" className="button danger" onClick={() => revoke.mutate()}>
            Revoke now
          </button>
          <button type="button" className="button" onClick={() => setSure(false)}>
            Keep
          </button>
        </>
      ) : (
        <button type="button" className="button" onClick={() => setSure(true)}>
          Revoke
        </button>
      )}
    </li>
  );
}

function NewKeyDialog({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [use, setUse] = useState<Use>("train");
  const [days, setDays] = useState<Days>("365");
  const create = useMutation({
    mutationFn: () => createKey({ name: name.trim(), scopes: SCOPES[use], days: Number(days) }),
    onSuccess: () => queries.invalidateQueries({ queryKey: accountKeys.keys }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Dialog title="New API key" open onClose={onClose}>
      {create.data ? (
        <div className="dialog-body">
          <p>
            <b>Copy it now.</b> It is not kept anywhere and cannot be shown again.
          </p>
          <CopyField label="API key" text={create.data.key} />
          <p className="muted">On the machine that trains:</p>
          <pre>{settingsOf(create.data)}</pre>
          <div className="row-actions">
            <button type="button" className="button primary" onClick={onClose}>
              Done
            </button>
          </div>
        </div>
      ) : (
        <form className="dialog-body" onSubmit={submit}>
          <label className="form-field">
            What is it for?
            <input
              className="text-input"
              required
              maxLength={256}
              placeholder="cluster, laptop, nightly CI…"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
          <div className="form-field">
            It may
            <Choice<Use> label="It may" value={use} options={USES} onChange={setUse} />
          </div>
          <div className="form-field">
            It works for
            <Choice<Days> label="It works for" value={days} options={DAYS} onChange={setDays} />
          </div>
          {create.error && <p className="field-error">{create.error.message}</p>}
          <div className="row-actions">
            <button type="submit" className="button primary" disabled={create.isPending}>
              Make the key
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

/** Without the entity, runs are filed under the operating system's user, which in a container is root for everybody. */
function settingsOf(created: { key: string; user: string; scopes: string[] }): string {
  const lines = [
    `export TREERING_BASE_URL=${new URL(".", document.baseURI).href.replace(/\/$/, "")}`,
    `export TREERING_API_KEY=${created.key}`,
  ];
  if (created.scopes.includes("ingest")) {
    lines.push(`export TREERING_ENTITY='${created.user.replaceAll("'", "'\\''")}'`);
  }
  return lines.join("\n");
}
